import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createLogging, getLogger, installLogging, type Logging } from './index.ts';

/** The lines that wait in the queue, as JSON. */
function linesOf({ queue }: Logging): string {
  return JSON.stringify([...queue.waiting(0, queue.last)].map(({ record }) => record));
}

test('a known secret is in no line, wherever it stands and whatever characters it has', () => {
  const sign = fc.constantFrom(...'§"\\/ %&=+$^*().[]{}|\n\u0007é鷺🦉');
  const secrets = fc.array(sign, { minLength: 6, maxLength: 40 }).map((signs) => `§${signs.join('')}`);
  fc.assert(
    fc.property(secrets, (secret) => {
      const logging = createLogging({ console: { enabled: false } });
      logging.hide([secret]);
      const error = Object.assign(new Error(`refused ${secret}`, { cause: new TypeError(secret) }), {
        note: secret,
      });
      const url = `https://host/?q=${encodeURIComponent(secret)}`;
      const fields = { url, [secret]: 1, list: [[secret]], map: new Map([[secret, secret]]), error };
      const logger = logging.getLogger('s', 'c');
      logger.child({ bound: secret }).info(`with ${secret}, twice ${secret}`, fields);
      logger.info(`in JSON: ${JSON.stringify({ secret })}`);
      const text = linesOf(logging);
      for (const form of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), '§'])
        assert.ok(!text.includes(form), text);
      assert.match(text, /with \[redacted\], twice \[redacted\]/);
    }),
  );
});

test('secrets that become known later are redacted from then on, one within another as well, and a number with their digits', () => {
  const logging = createLogging({ console: { enabled: false } });
  const logger = logging.getLogger('s', 'c');
  logging.hide(['heron-in-the-reeds']);
  logger.info('m', { 'heron-in-the-reeds': 1 });
  logging.hide(['heron-in-the-reeds-at-dusk', '73519284']);
  logger.info('heron-in-the-reeds-at-dusk', { n: 73_519_284, m: 73_519_285 });
  const text = linesOf(logging);
  assert.doesNotMatch(text, /heron|dusk|73519284/);
  assert.match(text, /73519285/);
});

test('values that are too short to be told from other text, and text that only resembles a secret, stay', () => {
  const logging = createLogging({ console: { enabled: false } });
  logging.hide(['', 'a', '8771', 'Heron-77']);
  logging.getLogger('s', 'c').info('Listening on 8771, a heron-77', { port: 8771 });
  assert.match(linesOf(logging), /"Listening on 8771, a heron-77","fields":\{"port":8771\}/);
});

test('lines that were logged before logging was set up are redacted by what it knows', () => {
  getLogger('s', 'early').info('opened with otter-under-ice', { note: 'otter-under-ice' });
  const logging = createLogging({ console: { enabled: false } });
  logging.hide(['otter-under-ice']);
  const uninstall = installLogging(logging);
  uninstall();
  assert.match(linesOf(logging), /opened with \[redacted\]/);
  assert.doesNotMatch(linesOf(logging), /otter/);
});
