/**
 * R16: a plugin with dependents, an extension and a resource of every kind is reloaded repeatedly during requests and durable
 * messages. Some versions fail in each phase; reloads overlap; the backend is stopped or killed during reloads. No resource
 * accumulates, stops and starts follow the order of the dependencies, every request to another plugin is served, and every message
 * is handled exactly once.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createTestBackend, type TestBackend } from '@aico/backend/testing';
import type { Campaign } from './campaign.ts';
import { Child } from './fixtures/child.ts';
import { below, randomFrom } from './fixtures/random.ts';
import { FAULTS, type Fault, writeBase, writePlugins } from './fixtures/reloaded-plugins.ts';

const FULL_COUNT = 200;
/** Reloads before the first measurement, so that resources that are allocated once do not count. */
const WARM_UP = 5;
const CHILD = fileURLToPath(new URL('./fixtures/reloaded-backend.ts', import.meta.url));
/** `base` and its dependents, which a successful reload stops and starts. */
const MEMBERS = ['base', 'second', 'third', 'host'];
/** Pairs of a plugin and its dependency: the plugin starts after it and stops before it. */
const NEEDS = [
  ['second', 'base'],
  ['third', 'second'],
  ['host', 'base'],
] as const;

declare global {
  var journal: string[] | undefined;
}

type Faults = Set<string>;

/** The number of resources of each kind that a reload could leak. */
async function census(backend: TestBackend): Promise<Readonly<Record<string, number>>> {
  const { container, config } = backend;
  const resources = process.getActiveResourcesInfo();
  const of = (kind: string): number => resources.filter((each) => each === kind).length;
  const views = (await backend.pluginManager.views()).map((view) => view.opens.length);
  const health = await container.getService('health').report();
  const streams = await container.getService('streams').figures();
  const { paths } = await container.getService('gateway').openApi('1');
  return {
    routes: Object.keys(paths).length,
    checks: Object.keys(health.checks).length,
    consumers: streams.consumers.length,
    services: container.names.length,
    definitions: container.getService('plugins').all.length,
    extensions: container.getService('plugins').extensions.size,
    opened: views.reduce((sum, count) => sum + count, 0),
    config: config.entries().length,
    watchers: of('FSEventWrap'),
    timers: of('Timeout'),
    threads: await entriesOf('/proc/self/task'),
    files: await entriesOf('/proc/self/fd'),
    processListeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
  };
}

/** The open file descriptors; 0 on systems without /proc. */
async function entriesOf(folder: string): Promise<number> {
  return (await readdir(folder).catch(() => [])).length;
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') {
    collect();
    collect();
  }
  return process.memoryUsage().heapUsed;
}

/** Compares the stops and starts of one reload with the order of the dependencies. */
function checkOrder(journal: readonly string[], fault: Fault, faults: Faults): void {
  const at = (event: string, name: string): number => journal.lastIndexOf(`${event} ${name}`);
  if (fault === 'syntax' || fault === 'import' || fault === 'config' || fault === 'graph') {
    if (journal.length > 0) faults.add(`a version with the fault ${fault} stopped something: ${journal}`);
    return;
  }
  for (const name of MEMBERS)
    if (at('stop', name) === -1 || at('start', name) < at('stop', name))
      faults.add(`${name} was not stopped and started again (${fault}): ${journal}`);
  for (const [needing, needed] of NEEDS) {
    if (journal.indexOf(`stop ${needing}`) > journal.indexOf(`stop ${needed}`))
      faults.add(`${needing} was stopped after ${needed} (${fault}): ${journal}`);
    if (at('start', needing) < at('start', needed))
      faults.add(`${needing} was started before ${needed} (${fault}): ${journal}`);
  }
  if (journal.some((line) => line.endsWith(' other'))) faults.add('an independent plugin was restarted');
}

/** Sends requests to `base` and another plugin repeatedly. @returns a function that stops this and returns the number of replies */
function ask(backend: TestBackend, faults: Faults): () => Promise<Readonly<Record<string, number>>> {
  let isOver = false;
  const replies: Record<string, number> = {};
  const loop = async (name: string, allowed: readonly number[]): Promise<void> => {
    while (!isOver) {
      const { status, headers } = await backend.request(`/api/v1/${name}`);
      replies[`${name} ${status}`] = (replies[`${name} ${status}`] ?? 0) + 1;
      if (!allowed.includes(status)) faults.add(`a request to ${name} was answered by ${status}`);
      if (status === 503 && headers['retry-after'] !== '1') faults.add('a 503 without Retry-After');
    }
  };
  const loops = [
    loop('base', [200, 503]),
    loop('third', [200, 503]),
    loop('other', [200]),
    loop('other', [200]),
  ];
  return async () => {
    isOver = true;
    await Promise.all(loops);
    return replies;
  };
}

/** Waits while the backlog shrinks, since `whenIdle` rejects after ten seconds. */
async function whenHandled(backend: TestBackend): Promise<void> {
  const database = backend.container.getService('database');
  for (let before = -1; ; ) {
    try {
      await backend.whenIdle();
      return;
    } catch (error) {
      const handled = Number((await database.execute('SELECT count(*) AS n FROM base_seen')).fetchOne()?.n);
      if (handled === before) throw error;
      before = handled;
    }
  }
}

/** Checks that each published number was handled exactly once. */
async function checkSeen(backend: TestBackend, published: readonly number[], faults: Faults): Promise<void> {
  await whenHandled(backend);
  const { rows } = await backend.container.getService('database').execute('SELECT n FROM base_seen');
  const seen = new Map<number, number>();
  for (const { n } of rows) seen.set(Number(n), (seen.get(Number(n)) ?? 0) + 1);
  const lost = published.filter((n) => !seen.has(n)).length;
  const twice = [...seen.values()].filter((count) => count > 1).length;
  if (lost > 0) faults.add(`${lost} of ${published.length} messages were lost`);
  if (twice > 0) faults.add(`${twice} messages were handled twice`);
}

interface Reloads {
  readonly published: number;
  readonly replies: Readonly<Record<string, number>>;
  readonly kindsTried: Readonly<Record<string, number>>;
  readonly heapKibPerReload: number;
  readonly reloadMs: number;
}

async function reloadUnderLoad(root: string, count: number, seed: number, faults: Faults): Promise<Reloads> {
  const random = randomFrom(seed);
  const folder = path.join(root, 'plugins');
  const backend = await createTestBackend({ plugins: await writePlugins(folder) });
  const published: number[] = [];
  const kindsTried: Record<string, number> = {};
  let isOver = false;
  const bus = backend.container.getService('message_bus');
  const publishing = (async () => {
    for (let n = 0; !isOver; n += 1) {
      await bus.publish('torture.numbers', n, { durable: true });
      published.push(n);
      await bus.publish('torture.live', n);
    }
  })();
  let replies = {};
  let before: Readonly<Record<string, number>> = {};
  let heapBefore = 0;
  let spentMs = 0;
  let version = 0;
  const reload = async (fault: Fault): Promise<void> => {
    kindsTried[fault] = (kindsTried[fault] ?? 0) + 1;
    version += 1;
    await writeBase(folder, fault, version);
    globalThis.journal = [];
    const beganAt = performance.now();
    const reply = await backend.request('/api/v1/plugins/base/reload', { method: 'POST' });
    spentMs += performance.now() - beganAt;
    checkOrder(globalThis.journal, fault, faults);
    if (reply.status !== (fault === 'none' ? 200 : 409))
      faults.add(`a version with the fault ${fault} was answered by ${reply.status}: ${reply.text}`);
  };
  try {
    const endAsking = ask(backend, faults);
    let present = 0;
    const warmUp = Math.min(WARM_UP, Math.floor(count / 3));
    for (let turn = 0; turn < count; turn += 1) {
      if (turn === warmUp) {
        before = await census(backend);
        heapBefore = heapBytes();
      }
      const fault = random() < 0.5 ? 'none' : (FAULTS[below(random, FAULTS.length)] ?? 'none');
      await reload(fault);
      if (fault === 'none') present = version;
      const { text } = await backend.request('/api/v1/base');
      if (!text.includes(`"${present}"`)) faults.add(`version ${present} should answer, and ${text} did`);
      if (turn % 10 === 9) {
        // Overlapping reloads run one after the other.
        kindsTried.overlapping = (kindsTried.overlapping ?? 0) + 1;
        version += 1;
        await writeBase(folder, 'none', version);
        const both = await Promise.all([1, 2].map(() => backend.pluginManager.reload('base')));
        present = version;
        if (both.some(({ state }) => state !== 'running'))
          faults.add('reloads that overlap left base stopped');
      }
    }
    // The last count, like the first, is of a version that started.
    await reload('none');
    isOver = true;
    await publishing;
    replies = await endAsking();
    await checkSeen(backend, published, faults);
    const heap = heapBytes();
    const after = await census(backend);
    // The descriptors and timers of requests vary.
    for (const [what, number] of Object.entries(after))
      if (number > (before[what] ?? 0) + (what === 'files' || what === 'timers' ? 5 : 0))
        faults.add(`${what} grew from ${before[what]} to ${number}`);
    const reloads = count - warmUp;
    return {
      published: published.length,
      replies,
      kindsTried,
      heapKibPerReload: Math.round((heap - heapBefore) / 1_024 / reloads),
      reloadMs: Math.round(spentMs / count),
    };
  } finally {
    isOver = true;
    globalThis.journal = undefined;
    await backend.stop();
  }
}

/** Stops the backend at a random moment of a reload: it stops in order and leaves nothing running. */
async function stopDuringReload(root: string, turns: number, seed: number, faults: Faults): Promise<void> {
  const random = randomFrom(seed + 1);
  const folder = path.join(root, 'stopped');
  for (let turn = 0; turn < turns; turn += 1) {
    const plugins = await writePlugins(folder);
    const backend = await createTestBackend({ plugins });
    const reload = backend.pluginManager.reload('base').then(
      () => undefined,
      (error: unknown) => error,
    );
    const pauses = below(random, 40);
    for (let n = 0; n < pauses; n += 1) await new Promise((resolve) => setImmediate(resolve));
    await backend.stop();
    await reload;
    const left = backend.container
      .report()
      .services.filter(({ name, state }) => state === 'running' && MEMBERS.includes(name));
    if (left.length > 0)
      faults.add(`after a stop during a reload ${left.map(({ name }) => name)} kept running`);
    const { state } = backend.lifecycle;
    if (state.kind !== 'stopped' || !state.report.clean) faults.add(`a stop during a reload was not clean`);
  }
}

/** Kills the process during reloads, several times on one home, and finally handles all published messages. */
async function killDuringReload(root: string, kills: number, seed: number, faults: Faults): Promise<number> {
  const random = randomFrom(seed + 2);
  const home = path.join(root, 'home');
  const folder = path.join(root, 'killed');
  const published: number[] = [];
  for (let turn = 0; turn < kills; turn += 1) {
    const endAfter = 1 + below(random, 6);
    let reloads = 0;
    // The last numbers may have been published and not yet printed, so the next process skips some.
    const first = (published.at(-1) ?? -1) + 1_000;
    const child = new Child(CHILD, [home, folder, String(first)], {
      timeoutMs: 60_000,
      onLine: (line) => {
        if (!line.startsWith('reloaded')) published.push(Number(line));
        else {
          reloads += 1;
          if (reloads >= endAfter) child.kill();
        }
      },
    });
    await child.ended;
    if (reloads < endAfter) faults.add(`a process that was to be killed ended by itself: ${child.stderr}`);
  }
  const backend = await createTestBackend({ home, plugins: await writePlugins(folder) });
  try {
    await checkSeen(backend, published, faults);
  } finally {
    await backend.stop();
  }
  return published.length;
}

export const campaign: Campaign = async ({ count = FULL_COUNT, seed, report }) => {
  const faults: Faults = new Set();
  const root = await mkdtemp(path.join(tmpdir(), 'aico-r16-'));
  try {
    const underLoad = await reloadUnderLoad(root, count, seed, faults);
    report(JSON.stringify(underLoad));
    const turns = Math.max(2, Math.round(count / 10));
    await stopDuringReload(root, turns, seed, faults);
    report(`${turns} stops during reloads`);
    const kills = Math.max(1, Math.round(count / 20));
    const publishedByKilled = await killDuringReload(root, kills, seed, faults);
    report(`${kills} kills during reloads`);
    for (const fault of faults) report(fault);
    return {
      runs: count,
      failures: faults.size,
      ok: faults.size === 0,
      ...underLoad,
      stops: turns,
      kills,
      publishedByKilled,
    };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
};
