import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { test } from 'node:test';
import { connectLocal } from '@aico/client/local';
import { AICOPaths } from '@aico/shared/core/paths';
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
      assert.deepEqual(ran.json(), { columns: ['one'], rows: [[1]], truncated: false });
    }
    const refused = await aico.run(['request', 'POST', QUERY, '-d', 'x', '-H', 'content-type: text/plain']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /^4\d\d /);
  });

  await t.test(
    'sends every byte of a file, of the input and of a header unchanged, and prints an answer unchanged',
    async () => {
      const received: Buffer[] = [];
      const echo = createServer((request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          received.push(
            Buffer.concat(chunks),
            Buffer.from(String(request.headers['x-name'] ?? ''), 'latin1'),
          );
          response.end(Buffer.concat(chunks));
        });
      });
      const other = await Aico.create(t);
      const { socketFile } = new AICOPaths({ home: other.home });
      await mkdir(path.dirname(socketFile), { recursive: true });
      echo.listen(socketFile);
      await once(echo, 'listening');
      const bytes = Buffer.from(Array.from({ length: 512 }, (_, index) => index % 256));
      const file = path.join(other.home, 'bytes');
      await writeFile(file, bytes);
      for (const [data, input] of [
        [`@${file}`, undefined],
        ['-', bytes],
        ['@-', bytes],
      ] as const) {
        const sent = other.spawn(
          ['request', 'POST', '/', '-d', data, '-H', 'x-name: Grüße 漢'],
          {},
          { stdin: 'pipe' },
        );
        sent.stdin?.end(input);
        assert.ok(sent.stdout !== null);
        assert.deepEqual(await buffer(sent.stdout), bytes, data);
        assert.deepEqual(received.splice(0), [bytes, Buffer.from('Grüße 漢')], data);
      }
      const typed = await other.run(['request', 'POST', '/', '-d', 'Grüße \ufffd']);
      assert.equal(typed.stdout, 'Grüße \ufffd');
      echo.close();
      echo.closeAllConnections();
    },
  );

  await t.test(
    'refuses arguments and variables that are not UTF-8, which Node alters',
    {
      skip: process.platform !== 'linux',
    },
    async () => {
      for (const [command, what] of [
        ["$AICO request POST / -d $'caf\\xe9'", 'argument 5'],
        ["$AICO db backup $'/tmp/caf\\xe9'", 'argument 3'],
        [
          "AICO_CORE__SECURITY__PASSWORD=$'caf\\xe9' $AICO config list",
          'the variable AICO_CORE__SECURITY__PASSWORD',
        ],
      ] as const) {
        const shell = aico.shell(command);
        assert.ok(shell.stderr !== null);
        const [stderr, [code]] = await Promise.all([text(shell.stderr), once(shell, 'exit')]);
        assert.equal(code, 2, stderr);
        assert.ok(stderr.startsWith(`error: ${what} is not UTF-8 text`), stderr);
      }
    },
  );

  await t.test('an invalid request is a usage error with a hint', async () => {
    for (const args of [
      ['FETCH', '/livez'],
      ['GET', 'livez'],
      ['GET', '//livez'],
      ['GET', '/\\livez'],
      ['GET', '/\t/livez'],
      ['GET', '//'],
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

  await t.test(
    'a reader that closes the pipe early, such as `head`, ends the command without an error',
    async () => {
      // Much more than a pipe buffers.
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
    },
  );

  child.kill('SIGTERM');
  await exited;
});
