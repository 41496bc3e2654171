import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createTestBackend, localRequest } from '@aico/backend/testing';

const CANARY = 'zwieback4711';
const plugin = fileURLToPath(new URL('./fixtures/searching.ts', import.meta.url));

test('the searches and data of a plugin are in no reply and no log line when its statement fails', async (t) => {
  const backend = await createTestBackend({ plugins: [plugin], config: { 'core.logging.level': 'trace' } });
  t.after(() => backend.stop());
  for (const kind of ['match', 'text', 'unterminated', 'path', 'value', 'many']) {
    const reply = await localRequest(backend.socket, `/api/v1/searching/${kind}`, {
      method: 'POST',
      body: { word: CANARY },
    });
    assert.equal(reply.status, 500, kind);
    assert.ok(!reply.text.includes(CANARY), kind);
  }
  const own = await localRequest(backend.socket, '/api/v1/database/query', {
    method: 'POST',
    body: { sql: `SELECT ${CANARY} FROM secret` },
  });
  assert.match(
    own.text,
    new RegExp(`no such column: ${CANARY}`),
    'the author of a query gets the message of SQLite',
  );

  await backend.container.getService('logging').flush();
  const logs = await localRequest(backend.socket, '/api/v1/logs?limit=1000&level=trace');
  assert.equal(logs.status, 200);
  assert.match(logs.text, /SELECT \* FROM secret_text WHERE secret_text MATCH \?/);
  assert.match(logs.text, /no such column: …/);
  assert.match(logs.text, /UNIQUE constraint failed: secret.name/);
  assert.ok(!logs.text.includes(CANARY), 'the log table');
});

test('values pass JSON exactly, or are refused', async (t) => {
  const backend = await createTestBackend();
  t.after(() => backend.stop());
  const query = async (body: string) => {
    const asked = request({
      socketPath: backend.socket,
      path: '/api/v1/database/query',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    }).end(body);
    const [reply] = (await once(asked, 'response')) as [IncomingMessage];
    return { status: reply.statusCode, text: await text(reply) };
  };
  const echo = async (value: string) => query(`{"sql":"SELECT ? AS v","params":[${value}]}`);
  for (const value of [
    'null',
    '0',
    '9007199254740991',
    '0.1',
    '"a"',
    '{"integer":"9007199254740993"}',
    '{"integer":"-9223372036854775808"}',
    '{"real":"Infinity"}',
    '{"real":"-0"}',
    '{"base64":"AAH/"}',
  ])
    assert.deepEqual(
      JSON.parse((await echo(value)).text),
      { columns: ['v'], rows: [[JSON.parse(value)]], truncated: false },
      value,
    );
  for (const value of [
    '9007199254740993',
    '1e400',
    '1e-400',
    '{"integer":"9223372036854775808"}',
    '{"base64":"A"}',
    '{"other":1}',
    '"\\u0000"',
    '"\\ud800"',
  ])
    assert.equal((await echo(value)).status, 400, value);
  const duplicate = await query('{"sql":"SELECT 1 AS a, 2 AS a, 9e999 AS b"}');
  assert.deepEqual(JSON.parse(duplicate.text), {
    columns: ['a', 'a', 'b'],
    rows: [[1, 2, { real: 'Infinity' }]],
    truncated: false,
  });
});
