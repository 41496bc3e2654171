import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readdir } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import path from 'node:path';
import { after, before, describe, mock, test } from 'node:test';
import { createTestBackend, createTestHome, localRequest, type TestBackend } from '../../testing/index.ts';
import { ARCHIVE_PURPOSE, readLogArchive } from './archive/log-archive.ts';
import type { StoredLogRecord } from './log-query.ts';

describe('the log over the API of a whole backend', () => {
  let backend: TestBackend;

  before(async () => {
    backend = await createTestBackend();
  });
  after(() => backend.stop());

  async function logs(query: string): Promise<readonly StoredLogRecord[]> {
    const reply = await localRequest(backend.socket, `/api/v1/logs?${query}`);
    assert.equal(reply.status, 200, reply.text);
    return (reply.json() as { logs: readonly StoredLogRecord[] }).logs;
  }

  async function logged(service: string, count: number): Promise<void> {
    const logging = backend.container.getService('logging');
    const logger = logging.getLogger(service, 'test');
    for (let n = 0; n < count; n += 1)
      logger[n % 2 === 0 ? 'info' : 'warn'](`line ${n}`, { n, token: 'canary' });
    await logging.flush();
  }

  test('lines of the start, logged before there was a database, are in it', async () => {
    const [line] = await logs('service=security&limit=1');
    assert.equal(line?.component, 'keys');
  });

  test('filters by service, minimum level, component and text, in pages', async () => {
    await logged('pages', 10);
    assert.deepEqual(
      (await logs('service=pages&level=warn&component=test')).map(({ message }) => message),
      ['line 9', 'line 7', 'line 5', 'line 3', 'line 1'],
    );
    const [first] = await logs('service=pages&limit=1');
    assert.equal(first?.message, 'line 9');
    const [next] = await logs(`service=pages&limit=1&before=${first?.id}`);
    assert.equal(next?.message, 'line 8');
    assert.deepEqual(next?.fields, { n: 8, token: '[redacted]' });
    assert.equal((await logs('service=pages&text=LINE%207')).length, 1);
    assert.equal((await logs('text=canary')).length, 0);
  });

  test('lines that a filter selects are deleted, and no others; without a filter it is refused', async () => {
    await logged('doomed', 1_500);
    await logged('kept', 4);
    const remove = (query: string) =>
      localRequest(backend.socket, `/api/v1/logs?${query}`, { method: 'DELETE' });
    for (const query of [
      '',
      'level=info',
      'servcie=doomed',
      'text=',
      'text=%20',
      'text=%25',
      'service=',
      'since=',
      'until=',
    ]) {
      const refused = await remove(query);
      assert.equal(refused.status, 400, query);
    }
    assert.deepEqual((await remove('service=doomed&since=1h')).json(), { deleted: 1_500 });
    assert.equal((await logs('service=doomed')).length, 0);
    const counted = await localRequest(backend.socket, '/api/v1/logs/counts');
    const { counts } = counted.json() as {
      counts: readonly { service: string; level: string; lines: number }[];
    };
    assert.deepEqual(
      counts.filter(({ service }) => ['doomed', 'kept'].includes(service)),
      [
        { service: 'kept', level: 'info', lines: 2 },
        { service: 'kept', level: 'warn', lines: 2 },
      ],
    );
  });

  for (const query of [
    'limit=0',
    'limit=1001',
    'level=loud',
    'before=x',
    'since=soon',
    'first=best',
    `text=${'x'.repeat(300)}`,
  ])
    test(`"${query.slice(0, 12)}" is refused with a problem`, async () => {
      const reply = await localRequest(backend.socket, `/api/v1/logs?${query}`);
      assert.equal(reply.status, 400);
      assert.match(reply.headers['content-type'] ?? '', /^application\/problem\+json/);
    });

  test('stop ends the streams of the log, writes the last lines, and does not wait for readers', async () => {
    const home = await createTestHome();
    const first = await createTestBackend({ home: home.folder });
    const following = request({ socketPath: first.socket, path: '/api/v1/logs/stream?level=info' }).end();
    const [stream] = (await once(following, 'response')) as [IncomingMessage];
    await once(stream, 'data');
    const ended = once(stream, 'close');
    stream.resume();
    first.container.getService('logging').getLogger('late', 'test').info('the last line');
    await first.stop();
    await ended;
    const second = await createTestBackend({ home: home.folder });
    const reply = await localRequest(second.socket, '/api/v1/logs?service=late');
    assert.equal((reply.json() as { logs: readonly StoredLogRecord[] }).logs[0]?.message, 'the last line');
    const lifecycle = await localRequest(second.socket, '/api/v1/logs?service=backend&text=Stopping');
    assert.equal((lifecycle.json() as { logs: readonly unknown[] }).logs.length, 1);
    await second.stop();
    await home.remove();
  });

  test('a backend that runs for seconds deletes lines beyond the limits too', async () => {
    const home = await createTestHome();
    const config = { 'core.logging.retention.max_lines': 1_000 };
    const first = await createTestBackend({ home: home.folder, config });
    const logging = first.container.getService('logging');
    const logger = logging.getLogger('chatty', 'test');
    for (let n = 0; n < 2_500; n += 1) logger.info(`line ${n}`);
    await logging.flush();
    await first.stop();
    const second = await createTestBackend({ home: home.folder, config });
    const oldest = async (): Promise<number> => {
      const { rows } = await second.container
        .getService('database')
        .execute<{ kept: number }>('SELECT max(id) - min(id) + 1 AS kept FROM logs');
      return Number(rows[0]?.kept);
    };
    while ((await oldest()) > 1_100) await new Promise((resolve) => setImmediate(resolve));
    await second.stop();
    await home.remove();
  });

  test('lines beyond the limits are archived before they are deleted, and stay while that fails', async (context) => {
    const home = await createTestHome();
    context.after(() => home.remove());
    const folder = path.join(home.folder, 'archives');
    await using one = await createTestBackend({
      home: home.folder,
      config: { 'core.logging.retention.max_lines': 1_000, 'core.logging.retention.archive': folder },
    });
    const store = one.container.getService('log_store');
    const logging = one.container.getService('logging');
    const database = one.container.getService('database');
    const logger = logging.getLogger('chatty', 'test');
    const linesOf = async (): Promise<number> => {
      const { rows } = await database.execute<{ n: number }>('SELECT count(*) AS n FROM logs');
      return rows[0]?.n ?? 0;
    };
    const log = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n += 1) logger.info(`line ${n}`);
      await logging.flush();
      // A question stores the lines that wait.
      await localRequest(one.socket, '/api/v1/logs?limit=1');
    };
    await log(1_100);
    await store.prune();
    assert.ok((await linesOf()) >= 1_100);
    const failed = await store.healthCheck();
    assert.equal(failed.status, 'degraded');
    assert.match(failed.detail ?? '', /cannot be archived: .*ENOENT/);
    await mkdir(folder);
    await store.prune();
    assert.equal((await store.healthCheck()).status, 'healthy');
    const [name = ''] = await readdir(folder);
    assert.match(name, /^logs-[\dTZ-]+\.aicolog$/);
    assert.ok((await linesOf()) <= 1_010);
    const key = one.container.getService('key_manager').deriveKey(ARCHIVE_PURPOSE);
    const archived = (await Array.fromAsync(readLogArchive(path.join(folder, name), key))).flat();
    assert.ok(archived.length > 90);
    const { rows } = await database.execute<{ id: number }>('SELECT min(id) AS id FROM logs');
    assert.equal(archived.at(-1)?.id, (rows[0]?.id ?? 0) - 1);
    await store.prune();
    assert.equal((await readdir(folder)).length, 1, 'a few lines are no reason for another file');
  });

  test('a clock that is 40 days ahead deletes no line of today', async () => {
    const home = await createTestHome();
    const first = await createTestBackend({ home: home.folder });
    first.container.getService('logging').getLogger('diary', 'test').info('today');
    await first.stop();
    mock.timers.enable({ apis: ['Date'], now: Date.now() + 40 * 86_400_000 });
    try {
      const second = await createTestBackend({ home: home.folder });
      const pruned = second.container.getService('log_store');
      await pruned.prune();
      const reply = await localRequest(second.socket, '/api/v1/logs?service=diary');
      assert.equal((reply.json() as { logs: readonly unknown[] }).logs.length, 1);
      await second.stop();
    } finally {
      mock.timers.reset();
      await home.remove();
    }
  });
});
