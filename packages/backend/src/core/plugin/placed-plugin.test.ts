import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Database, EncryptedDatabase } from '@aico/shared/data';
import { Leases } from '@aico/shared/data/leases';
import { ServiceContainer } from '../container/service-container.ts';
import { PlacedPlugin } from './placed-plugin.ts';
import { definePlugin, type Plugin, type PluginDefinition } from './plugin-definition.ts';
import { registerPlugin } from './register-plugin.ts';

/** Leases are renewed often and lapse late, so that a busy machine does not lose them. */
const TIMES = { ttlMs: 60_000, heldMs: 40_000, renewMs: 50, pollMs: 20 };

interface Run {
  readonly node: string;
  readonly plugin: Plugin<'database'>;
}

/** Nodes that share a database, and the runs of a plugin on them. */
async function nodes(t: TestContext) {
  const folder = await mkdtemp(path.join(tmpdir(), 'aico-placed-'));
  const database = await EncryptedDatabase.open({ file: path.join(folder, 'aico.db'), key: randomBytes(32) });
  const containers: ServiceContainer[] = [];
  t.after(async () => {
    for (const container of containers) await container.stop();
    await database.close();
    await rm(folder, { recursive: true });
  });
  const runs: Run[] = [];
  let waiting = Promise.withResolvers<Run>();
  const definition = (node: string): PluginDefinition =>
    definePlugin({
      name: 'reports',
      version: '1.0.0',
      description: 'Runs once',
      dependencies: ['database'],
      runs: 'one-node',
      migrations: [{ id: '001', sql: 'CREATE TABLE report (node TEXT)' }],
      start(plugin) {
        runs.push({ node, plugin });
        waiting.resolve({ node, plugin });
        waiting = Promise.withResolvers<Run>();
      },
    });
  const start = async (node: string, isShared = true): Promise<ServiceContainer> => {
    const container = new ServiceContainer();
    containers.push(container);
    const leases = isShared ? new Leases({ database, node, times: TIMES }) : undefined;
    await leases?.start();
    container.registerInstance('database', database);
    container.registerInstance('nodes', { leases });
    registerPlugin(container, definition(node));
    await container.start();
    return container;
  };
  const nextRun = (): Promise<Run> => waiting.promise;
  return { database, runs, start, nextRun };
}

const isActive = (container: ServiceContainer): boolean => {
  const plugin = container.findInstance('reports');
  assert.ok(plugin instanceof PlacedPlugin);
  return plugin.isActive;
};

const reports = async (database: Database): Promise<readonly unknown[]> =>
  (await database.execute<{ node: string }>('SELECT node FROM report')).rows.map(({ node }) => node);

test('a plugin for one node runs on one of two, and on the other once the first has stopped', async (t) => {
  const { database, runs, start, nextRun } = await nodes(t);
  const first = nextRun();
  const containers = { a: await start('a'), b: await start('b') };
  const { node } = await first;
  const other = node === 'a' ? 'b' : 'a';
  assert.equal(isActive(containers[other as 'a' | 'b']), false);
  const second = nextRun();
  const [run] = runs;
  await containers[node as 'a' | 'b'].stop();
  assert.equal(run?.plugin.signal.aborted, true);
  assert.equal((await second).node, other);
  const { rows } = await database.execute('SELECT node, epoch FROM lease');
  assert.deepEqual(rows, [{ node: other, epoch: 2 }]);
});

test('a plugin that has lost its lease without noticing cannot commit, and is stopped', async (t) => {
  const { database, start, nextRun } = await nodes(t);
  const first = nextRun();
  await start('a');
  const { plugin } = await first;
  const view = plugin.requireService('database');
  await view.execute("INSERT INTO report VALUES ('held')");
  const again = nextRun();
  // As if another node had taken the lease and released it.
  await database.execute("UPDATE lease SET node = 'b', epoch = epoch + 1, until_ms = 0");
  const lost = { code: 'AICO_LEASE_LOST' };
  await assert.rejects(view.execute("INSERT INTO report VALUES ('statement')"), lost);
  await assert.rejects(
    view.transaction((tx) => tx.execute("INSERT INTO report VALUES ('transaction')")),
    lost,
  );
  await assert.rejects(view.begin(), lost);
  if (!plugin.signal.aborted) await once(plugin.signal, 'abort');
  const { plugin: next } = await again;
  await next.requireService('database').execute("INSERT INTO report VALUES ('again')");
  await assert.rejects(view.execute("INSERT INTO report VALUES ('late')"), lost);
  assert.deepEqual(await reports(database), ['held', 'again']);
});

test('with an embedded database a plugin for one node starts with the backend, and needs no lease', async (t) => {
  const { database, runs, start } = await nodes(t);
  const container = await start('a', false);
  assert.equal(runs.length, 1);
  assert.equal(container.findInstance('reports') instanceof PlacedPlugin, false);
  await assert.rejects(database.execute('SELECT * FROM lease'));
});
