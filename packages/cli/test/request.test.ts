import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { connectLocal } from '@aico/client/local';
import { Aico } from './fixtures/aico.ts';

const QUERY = '/api/v1/database/query';

test('aico request and pipes, against a running backend', async (t) => {
  const aico = await Aico.create(t);
  const { ready, child, exited } = await aico.serve();

  await t.test('prints the body byte for byte, and the status beside it', async () => {
    await using client = connectLocal({ socketPath: ready.socket });
    const expected = await (await client.fetch('/livez')).text();
    const ran = await aico.run(['request', 'get', '/livez']);
    assert.deepEqual([ran.code, ran.stdout, ran.stderr], [0, expected, '200 OK\n']);
    assert.equal((await aico.run(['request', 'GET', '/livez', '--json'])).stderr, '');
  });

  await t.test('takes the body from the command line and from a file', async () => {
    const body = '{"sql":"SELECT 1 AS one"}';
    const file = path.join(aico.home, 'body.json');
    await writeFile(file, body);
    for (const data of [body, `@${file}`]) {
      const ran = await aico.run(['request', 'POST', QUERY, '--data', data]);
      assert.deepEqual(ran.json(), { columns: ['one'], rows: [{ one: 1 }], truncated: false });
    }
    const refused = await aico.run(['request', 'POST', QUERY, '-d', 'x', '-H', 'content-type: text/plain']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^4\d\d /);
  });

  await t.test('what cannot be a request is a usage error, with what to do', async () => {
    for (const args of [
      ['FETCH', '/livez'],
      ['GET', 'livez'],
      ['GET', '/livez', '--data', '{}'],
      ['POST', QUERY, '--data', '@/no/such/file'],
      ['GET', '/livez', '-H', 'no colon'],
      ['GET', '/livez', '-H', 'bad name: x'],
    ]) {
      const ran = await aico.run(['request', ...args]);
      assert.equal(ran.code, 2, `${args.join(' ')}: ${ran.stderr}`);
      assert.match(ran.stderr, /^error: .*\n(hint: .*\n)?code: AICO_CLI_USAGE\n$/);
    }
  });

  await t.test('a reader that has enough, as `head` has, ends the command quietly', async () => {
    // Far more than a pipe holds.
    const sql = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 10000)
      SELECT i, hex(zeroblob(100)) AS zeros FROM n`;
    for (const extra of [['--json'], []]) {
      const query = aico.spawn(['db', 'query', sql, '--limit', '10000', ...extra]);
      let stderr = '';
      query.stderr?.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
      const gone = once(query, 'close');
      await once(query.stdout ?? query, 'data');
      query.stdout?.destroy();
      const [code, signal] = await gone;
      assert.deepEqual([code, signal, stderr], [0, null, '']);
    }
  });

  child.kill('SIGTERM');
  await exited;
});
