/** Foreign text in lines of the log and in the audit trail: stored as it is, and escaped by every command that shows it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestBackend, localRequest } from '@aico/backend/testing';
import fc from 'fast-check';
import { Aico } from './fixtures/aico.ts';

/** Whatever controls a terminal or hides text. Colours are removed before: a command colours its own text. */
const CONTROLS = /[\p{Cc}\p{Cs}\p{Bidi_Control}\u200b\u2028\u2029\ufeff]/u;
const ESCAPE = '\u001b';
const COLOURS = new RegExp(`${ESCAPE}\\[(?:1|2|22|31|32|33|36|39)m`, 'g');

const hostile = fc.constantFrom(
  ...[
    '\u001b[2J',
    '\u001b]0;title\u0007',
    '\u001b]8;;http://x\u001b\\',
    '\u009b31m',
    '\r',
    '\b',
    '\0',
    '\u007f',
  ],
  ...[
    '\n2026-11-28T00:00:00.000Z error security/keys: forged',
    '\u202e',
    '\u2066',
    '\u200b',
    '\u2028',
    '\ufeff',
  ],
  ...['<script>alert(1)</script>', '"}\n{"level":"fatal"', '\u001b[32mgreen\u001b[39m'],
);
const text = fc
  .array(fc.oneof(hostile, fc.string({ unit: 'binary', maxLength: 6 })), { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join('').toWellFormed());

interface Line {
  readonly id: number;
  readonly message: string;
  readonly fields: object;
}

test('hostile text is stored as it is, and every command that shows it escapes it', async (t) => {
  const aico = await Aico.create(t, { FORCE_COLOR: '1' });
  await using backend = await createTestBackend({ home: aico.home });
  const logging = backend.container.getService('logging');
  const samples = fc.sample(fc.array(text, { minLength: 8, maxLength: 8 }), { numRuns: 40, seed: 7 });
  for (const [service = '', component = '', message = '', name = '', value, ...ids] of samples) {
    const [requestId, plugin, device] = ids;
    const context = { requestId, plugin, device };
    const fields = {
      [name]: value,
      deep: { [`x${name}`]: [value] },
      long: `${value}`.repeat(9),
    };
    logging.adopt({ time: 1, level: 'warn', service, component, message, fields, context });
    const body = { target: service, level: 'debug' };
    await localRequest(backend.socket, '/api/v1/logs/levels', { method: 'PUT', body });
  }
  await logging.flush();

  const run = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await aico.run(args);
    assert.equal(code, 0, stderr);
    assert.equal(stderr, '');
    return stdout;
  };
  const shown = async (...args: readonly string[]): Promise<readonly string[]> => {
    const rows = (await run(...args)).replaceAll(COLOURS, '').trimEnd().split('\n');
    for (const row of rows) assert.doesNotMatch(row, CONTROLS, args.join(' '));
    return rows;
  };
  const exported = (await shown('logs', 'export', '--until', '1d')).map((row) => JSON.parse(row) as Line);
  assert.deepEqual(
    exported.map(({ message }) => message),
    samples.map(([, , message]) => message),
    'stored as it was, in order',
  );
  assert.deepEqual(
    exported.map(({ fields }) => Object.values(fields)[0]),
    samples.map(([, , , , value]) => value),
  );
  const only = ['--until', '1d', '-n', '1000'];
  assert.equal((await shown('logs', 'tail', '--pretty', ...only)).length, samples.length);
  assert.equal((await shown('logs', 'ls', '--pretty', ...only)).length, samples.length + 1);
  assert.deepEqual(
    (await shown('logs', 'grep', 'deep', ...only)).map((row) => JSON.parse(row) as Line),
    exported,
  );
  await shown('logs', 'cat', String(exported[0]?.id));
  await shown('logs', 'stat');
  await shown('logs', 'level');
  await shown('logs', 'export', '--format', 'otlp', '--until', '1d');
  assert.equal((await shown('audit', 'ls', '--action', 'log')).length, samples.length + 1);
});
