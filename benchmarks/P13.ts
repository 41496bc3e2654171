/**
 * P13: the container resolves and starts 1,000 trivial services in a random graph in at most 50 ms, and its cost is linear from
 * 100 to 10,000 services. It is compared with a loop without a container, which calls each factory and awaits each start() in an
 * order that is computed beforehand.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ServiceContainer } from '../packages/backend/src/core/container/service-container.ts';
import { fixture } from '../packages/backend/test/fixtures/journal.ts';
import { type Benchmark, spread } from './benchmark.ts';

const TARGET_MS = 50;
/**
 * How much more the container's cost per service may grow than the bare loop's. The bare loop is linear, yet its cost per
 * service also grows with the size, because of caches and garbage collection; the difference is due to the container's
 * algorithm. For an n log n algorithm the cost per service would double from 100 to 10,000 services.
 */
const LINEAR = 1.75;
const SIZES = [100, 1_000, 10_000] as const;

interface Spec {
  readonly name: ReturnType<typeof fixture>;
  readonly dependencies: readonly ReturnType<typeof fixture>[];
  readonly priority: number;
}

/** Mulberry32: the same graphs in every run. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Up to four dependencies on any earlier service; registered in random order with random priorities. */
function randomGraph(
  size: number,
  random: () => number,
): { readonly ordered: Spec[]; readonly shuffled: Spec[] } {
  const ordered = Array.from({ length: size }, (_, index) => ({
    name: fixture(`s${index}`),
    priority: Math.floor(random() * 100),
    dependencies: Array.from({ length: index === 0 ? 0 : Math.floor(random() * 5) }, () =>
      fixture(`s${Math.floor(random() * index)}`),
    ),
  }));
  const keyed = ordered.map((spec) => ({ spec, key: random() }));
  return { ordered, shuffled: keyed.sort((a, b) => a.key - b.key).map(({ spec }) => spec) };
}

/** Collects garbage before each round, so that no round pays for the garbage of another. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('this runtime does not expose its garbage collector');
  return () => Reflect.apply(collect, undefined, [{ type: 'minor' }]);
}

class TrivialService {
  async start(): Promise<void> {}
}

async function timeContainer(specs: readonly Spec[], collect: () => void): Promise<number> {
  const container = new ServiceContainer();
  for (const { name, dependencies, priority } of specs) {
    container.registerService(name, () => new TrivialService(), { dependencies, priority });
  }
  collect();
  const beganAt = performance.now();
  const { services } = await container.start();
  const ms = performance.now() - beganAt;
  if (!services.every(({ state }) => state === 'running')) throw new Error('some services are not running');
  await container.stop();
  return ms;
}

async function timeBare(specs: readonly Spec[], collect: () => void): Promise<number> {
  const running = new Map<string, TrivialService>();
  collect();
  const beganAt = performance.now();
  for (const { name } of specs) {
    const service = new TrivialService();
    await service.start();
    running.set(name, service);
  }
  return performance.now() - beganAt;
}

export const benchmark: Benchmark = async () => {
  const random = randomFrom(13);
  const collect = collector();
  const graphs = SIZES.map((size) => ({ size, graph: randomGraph(size, random) }));
  for (let warmUp = 0; warmUp < 5; warmUp += 1) {
    for (const { graph } of graphs) {
      await timeContainer(graph.shuffled, collect);
      await timeBare(graph.ordered, collect);
    }
  }
  const measured: { size: number; container: ReturnType<typeof spread>; bare: ReturnType<typeof spread> }[] =
    [];
  for (const { size, graph } of graphs) {
    const rounds = size >= 10_000 ? 11 : 41;
    const container: number[] = [];
    const bare: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      container.push(await timeContainer(graph.shuffled, collect));
      bare.push(await timeBare(graph.ordered, collect));
    }
    measured.push({ size, container: spread(container), bare: spread(bare) });
  }
  const growth = (side: 'container' | 'bare'): number => {
    const perService = measured.map((each) => each[side].median / each.size);
    return (perService[2] ?? Number.NaN) / (perService[0] ?? Number.NaN);
  };
  const linearity = growth('container') / growth('bare');
  const value = measured.find(({ size }) => size === 1_000)?.container.median ?? Number.NaN;
  return {
    value,
    target: `<= ${TARGET_MS} ms for 1000 services; from 100 to 10000 the cost per service grows <= ${LINEAR} x as much as a bare loop's`,
    ok: value <= TARGET_MS && linearity <= LINEAR,
    sides: {
      unit: 'ms',
      linearity,
      growthPerService: { container: growth('container'), bare: growth('bare') },
      container: Object.fromEntries(measured.map(({ size, container }) => [size, container])),
      bare: Object.fromEntries(measured.map(({ size, bare }) => [size, bare])),
    },
  };
};
