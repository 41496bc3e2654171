import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { localRequest } from '@aico/backend/testing';
import { Aico, fixture } from './fixtures/aico.ts';

const CANARY = 'canary-horse-2b77e151';

describe('commands against a running backend', () => {
  test('each prints correct values, as text and as JSON', async (t) => {
    const aico = await Aico.create(t);
    const started = await aico.run(['start', '--detach', '--json', '--plugin', fixture('greeter')]);
    assert.equal(started.code, 0, started.stderr);
    const { pid } = started.json() as { pid: number };

    const status = (await aico.run(['status', '--json'])).json() as {
      pid: number;
      state: string;
      report: { services: { name: string; state: string; ms: number; dependencies: string[] }[] };
    };
    assert.equal(status.pid, pid);
    assert.equal(status.state, 'ready');
    const database = status.report.services.find(({ name }) => name === 'database');
    assert.ok(database !== undefined && database.state === 'running' && database.ms > 0);
    assert.ok(database.dependencies.includes('key_manager'));
    assert.match((await aico.run(['status'])).stdout, /database +running/);

    const health = (await aico.run(['health', '--json'])).json() as { status: string; checks: object };
    assert.equal(health.status, 'healthy');
    assert.ok('database_api' in health.checks && 'log_store' in health.checks);

    const hello = await aico.run(['request', 'GET', '/api/v1/greeter']);
    assert.deepEqual(hello.json(), { hello: 'world' });
    assert.equal(hello.stderr, '200 OK\n');
    const absent = await aico.run(['request', 'GET', '/api/v1/nothing']);
    assert.equal(absent.code, 1);
    assert.match(absent.stdout, /AICO_GATEWAY_NOT_FOUND/);

    const plugins = (await aico.run(['plugin', 'list', '--json'])).json() as {
      plugins: { name: string; state: string }[];
    };
    assert.deepEqual(
      plugins.plugins.map(({ name, state }) => [name, state]),
      [['greeter', 'running']],
    );

    const query = await aico.run(['db', 'query', 'SELECT ? AS a, ? AS b', '1', 'text', '--json']);
    assert.deepEqual(query.json(), { columns: ['a', 'b'], rows: [[1, 'text']], truncated: false });
    const write = await aico.run(['db', 'query', 'DELETE FROM logs']);
    assert.notEqual(write.code, 0);
    const broken = await aico.run(['db', 'query', 'SELEKT']);
    assert.notEqual(broken.code, 0);
    assert.match(broken.stderr, /^error: .*does not begin with an SQL keyword/);
    const misspelt = await aico.run(['db', 'query', 'SELECT txet FROM logs']);
    assert.match(misspelt.stderr, /body\/sql: no such column: txet/);
    const ask = async (...args: string[]) => aico.run(['db', 'query', ...args]);
    assert.equal((await ask('SELECT 1 AS a, 2 AS a')).stdout.replace(/ +/g, ' ').trim(), 'a a\n1 2');
    assert.match(
      (await ask('SELECT level AS a, id AS b FROM logs WHERE id = -1')).stdout,
      /^a +b *\nno rows/,
    );
    for (const [value, shown] of [
      ['9007199254740993', '9007199254740993'],
      ['-9223372036854775808', '-9223372036854775808'],
      ['0.1', '0.1'],
      ['"5"', '5'],
      ['2026-11-27', '2026-11-27'],
      ['{"base64":"AAE="}', 'base64:AAE='],
    ] as const)
      assert.equal((await ask('SELECT ? AS v', '--', value)).stdout.trim().split(/\s+/)[1], shown, value);
    for (const value of ['9223372036854775808', '1e400', '1e-400'])
      assert.match((await ask('SELECT ?', value)).stderr, /as text: /, value);
    assert.match((await ask('SELECT 9e999 AS a, -9e999 AS b')).stdout, /Infinity +-Infinity/);
    assert.match((await aico.run(['db', 'status'])).stdout, /cipher aegis/);

    const logs = await aico.run(['logs', 'tail', '--json', '--service', 'gateway']);
    const [line = ''] = logs.stdout.split('\n');
    assert.equal((JSON.parse(line) as { message: string }).message, 'Gateway listens');

    const live = await aico.run(['config', 'list', '--live']);
    assert.match(live.stdout, /core\.api_gateway\.rest\.port +0 +AICO_CORE__API_GATEWAY__REST__PORT/);

    assert.equal((await aico.run(['stop'])).code, 0);
  });

  test('logs tail --follow prints each line once, in order, and continues after a restart of the backend', async (t) => {
    const aico = await Aico.create(t);
    const level = { AICO_CORE__LOGGING__LEVEL: 'debug' };
    const first = await aico.serve([], level);
    const follower = aico.spawn(['logs', 'tail', '--follow', '--json']);
    const ended = once(follower, 'exit');
    const seen: { id: number; message: string }[] = [];
    const lines = createInterface({ input: follower.stdout ?? assert.fail() });
    lines.on('line', (text) => seen.push(JSON.parse(text)));
    let from = 0;
    const shown = async (message: string): Promise<void> => {
      for (;;) {
        const at = seen.findIndex((line, index) => index >= from && line.message === message);
        if (at >= 0) {
          from = at + 1;
          return;
        }
        await Promise.race([once(lines, 'line'), ended.then(() => assert.fail('it has ended'))]);
      }
    };
    await shown('Gateway listens');
    await localRequest(first.ready.socket, '/api/v1/database/query', { method: 'POST', body: { sql: 7 } });
    await shown('Request refused');
    first.child.kill('SIGTERM');
    assert.deepEqual(await first.exited, { code: 0, signal: null });
    const second = await aico.serve([], level);
    await shown('Gateway listens');
    assert.deepEqual(
      seen.map(({ id }) => id),
      seen.map(({ id: from }, index) => (seen[0]?.id ?? from) + index),
    );
    follower.kill('SIGTERM');
    await ended;
    second.child.kill('SIGTERM');
    await second.exited;
  });

  test('config works without a backend', async (t) => {
    const aico = await Aico.create(t);
    const port = await aico.run(['config', 'get', 'core.api_gateway.rest.port']);
    assert.equal(port.stdout, '0\n');
    assert.equal((await aico.run(['config', 'get', 'no.such.key'])).code, 1);
    const file = path.join(aico.home, 'config/config.yaml');
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, 'core:\n  logging: { level: debug }\nplugins:\n  constructor: {}\n');
    const unread = await aico.run(['config', 'get', 'core.logging.level']);
    assert.equal(unread.code, 10, unread.stdout);
    assert.match(unread.stderr, /config\.yaml:4:3: plugins this key is not a plain word/);
    await rm(file);
    assert.equal((await aico.run(['config', 'validate'])).code, 0);
    const invalid = await aico.run(['config', 'validate'], { AICO_CORE__API_GATEWAY__REST__PORT: 'many' });
    assert.equal(invalid.code, 10);
    assert.match(invalid.stderr, /must be an integer from 0 to 65535, not text/);
  });

  test('an error in JSON mode is one JSON object with code, hint and exit code', async (t) => {
    const aico = await Aico.create(t);
    const ran = await aico.run(['status', '--json']);
    assert.equal(ran.code, 20);
    const { error } = JSON.parse(ran.stderr) as { error: Record<string, unknown> };
    assert.equal(error.code, 'AICO_CLIENT_NOT_RUNNING');
    assert.equal(error.exitCode, 20);
    assert.equal(typeof error.hint, 'string');
  });
});

describe('values are checked before they are reported', () => {
  test('when the database file is removed, readiness fails within a second and health reports it', async (t) => {
    const aico = await Aico.create(t);
    const { child, exited, ready } = await aico.serve();
    assert.equal((await localRequest(ready.http, '/readyz')).status, 200);
    for (const name of await readdir(ready.data)) {
      if (name.startsWith('aico.db')) await rm(path.join(ready.data, name));
    }
    const deadline = performance.now() + 1_000;
    let status = 200;
    while (status === 200 && performance.now() < deadline) {
      ({ status } = await localRequest(ready.http, '/readyz'));
      if (status === 200) await delay(20);
    }
    assert.equal(status, 503);
    const health = await aico.run(['health', '--json']);
    assert.equal(health.code, 21);
    assert.match(health.stdout, /"database_api":\{"status":"unhealthy"/);
    assert.equal((await localRequest(ready.http, '/livez')).status, 200);
    child.kill('SIGTERM');
    await exited;
  });
});

test('a secret appears in no output, log, error or file', async (t) => {
  const aico = await Aico.create(t, { AICO_CORE__SECURITY__PASSWORD: CANARY });
  const { child, exited, stderr } = await aico.serve(['--plugin', fixture('greeter')], {
    AICO_CORE__LOGGING__LEVEL: 'trace',
  });
  const said: string[] = [];
  const commands = [
    ['config', 'list'],
    ['config', 'list', '--live', '--json'],
    ['config', 'get', 'core.security.password'],
    ['status', '--json'],
    ['health', '--json'],
    ['logs', 'tail', '--json', '--lines', '1000'],
    ['db', 'query', 'SELECT * FROM logs', '--json'],
    ['request', 'GET', `/api/v1/nothing?password=${CANARY}`],
    ['request', 'POST', '/api/v1/database/query', '--data', `{"sql": 7, "password": "${CANARY}"}`],
    ['request', 'POST', '/api/v1/database/query', '--data', `{"sql": "${CANARY}`],
  ];
  for (const command of commands) {
    const { stdout, stderr: errors } = await aico.run(command);
    said.push(stdout, errors);
  }
  child.kill('SIGTERM');
  await exited;
  said.push(stderr());
  const refused = await aico.run(['start'], { AICO_CORE__SECURITY__PASSWORD: `${CANARY}-wrong` });
  assert.equal(refused.code, 14);
  said.push(refused.stdout, refused.stderr);
  for (const text of said) assert.ok(!text.includes(CANARY), text);

  const entries = await readdir(aico.home, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
  assert.ok(files.length > 0);
  const key = Buffer.from(CANARY);
  for (const file of files) {
    const bytes = await readFile(file);
    for (const form of [
      key,
      Buffer.from(CANARY, 'utf16le'),
      Buffer.from(key.toString('hex')),
      Buffer.from(key.toString('base64')),
    ]) {
      assert.ok(!bytes.includes(form), file);
    }
  }
});
