/**
 * R10: random graphs with hostile priorities, failures of services in every phase, and stops during the start. No service starts
 * before its dependencies run, the stop is the exact reverse of the start, and no handle is left open.
 */
import { EventEmitter } from 'node:events';
import { ServiceContainer } from '../packages/backend/src/core/container/service-container.ts';
import { fixture } from '../packages/backend/test/fixtures/journal.ts';
import type { Campaign } from './campaign.ts';
import { type Random, randomFrom } from './fixtures/random.ts';

const FULL_COUNT = 500;
const PHASES = ['construct', 'initialize', 'start'] as const;
const MANNERS = ['throws', 'rejects', 'hangs'] as const;

type Phase = (typeof PHASES)[number];
type Manner = (typeof MANNERS)[number];

interface Spec {
  readonly name: ReturnType<typeof fixture>;
  readonly dependencies: readonly ReturnType<typeof fixture>[];
  readonly priority: number;
  readonly required: boolean;
  readonly turns: number;
}

interface Fault {
  readonly name: string;
  readonly phase: Phase;
  readonly manner: Manner;
}

/** The fault of one run of a graph: one service fails, or the container is stopped during the start. */
interface Harm {
  readonly fault?: Fault;
  /** Turns of the event loop until the stop. */
  readonly stopAfter?: number;
}

/** The events of a run and the open handles. Each service holds a real timer from its construction to its end. */
interface World {
  readonly began: string[];
  readonly came: string[];
  readonly stopped: string[];
  readonly wrong: string[];
  readonly bus: EventEmitter;
  readonly timers: Set<NodeJS.Timeout>;
}

/** Hostile priorities: higher for services that must start later, extreme, or the same for all. */
function hostilePriority(index: number, size: number, mood: number, random: Random): number {
  if (mood < 0.4) return size - index;
  if (mood < 0.6) return 7;
  return (
    [-Number.MAX_VALUE, Number.MAX_VALUE, -0, 0, -Number.MIN_VALUE, 0.1 + 0.2, index][
      Math.floor(random() * 7)
    ] ?? 0
  );
}

function randomGraph(random: Random): readonly Spec[] {
  const size = 2 + Math.floor(random() * 24);
  const mood = random();
  const specs = Array.from({ length: size }, (_, index) => ({
    name: fixture(`s${index}`),
    priority: hostilePriority(index, size, mood, random),
    required: random() < 0.7,
    turns: Math.floor(random() * 4),
    dependencies: Array.from({ length: index === 0 ? 0 : Math.floor(random() * 4) }, () =>
      fixture(`s${Math.floor(random() * index)}`),
    ),
  }));
  return specs
    .map((spec) => ({ spec, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ spec }) => spec);
}

/** A service that opens a timer and a listener, and releases both when it ends. */
class HandleHolder {
  readonly #spec: Spec;
  readonly #world: World;
  readonly #fault: Fault | undefined;
  readonly #timer = setInterval(() => undefined, 60_000);
  readonly #listener = (): void => undefined;
  #came = false;

  constructor(spec: Spec, world: World, fault: Fault | undefined) {
    this.#spec = spec;
    this.#world = world;
    this.#fault = fault;
    world.timers.add(this.#timer);
    world.bus.on('message', this.#listener);
  }

  async initialize(signal: AbortSignal): Promise<void> {
    this.#world.began.push(this.#spec.name);
    for (const dependency of this.#spec.dependencies) {
      const { came, stopped } = this.#world;
      if (!came.includes(dependency)) this.#world.wrong.push(`${this.#spec.name} began before ${dependency}`);
      if (stopped.includes(dependency))
        this.#world.wrong.push(`${this.#spec.name} began after ${dependency} ended`);
    }
    await this.#live('initialize', signal);
  }

  async start(signal: AbortSignal): Promise<void> {
    await this.#live('start', signal);
    this.#came = true;
    this.#world.came.push(this.#spec.name);
  }

  async stop(): Promise<void> {
    if (this.#came) this.#world.stopped.push(this.#spec.name);
    await Promise.resolve();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#world.timers.delete(this.#timer);
    this.#world.bus.off('message', this.#listener);
  }

  async #live(phase: Phase, signal: AbortSignal): Promise<void> {
    for (let turn = 0; turn < this.#spec.turns; turn += 1) await nextTurn();
    if (this.#fault?.phase === phase) await fail(this.#fault.manner, signal);
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function fail(manner: Manner, signal: AbortSignal | undefined): Promise<never> {
  if (manner === 'throws') throw new Error('thrown on purpose');
  if (manner === 'rejects') return Promise.reject(new Error('rejected on purpose'));
  return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('gave up'))));
}

/** Starts and stops one graph with a fault. @returns descriptions of the broken guarantees */
async function live(specs: readonly Spec[], { fault, stopAfter }: Harm): Promise<readonly string[]> {
  const world: World = {
    began: [],
    came: [],
    stopped: [],
    wrong: [],
    bus: new EventEmitter().setMaxListeners(0),
    timers: new Set(),
  };
  const before = openHandles();
  const container = new ServiceContainer({ onEvent: () => undefined });
  for (const spec of specs) {
    const mine = fault?.name === spec.name ? fault : undefined;
    const make = async (): Promise<unknown> => {
      if (mine?.phase === 'construct') await fail(mine.manner, undefined);
      return new HandleHolder(spec, world, mine);
    };
    container.registerService(spec.name, make, {
      dependencies: spec.dependencies,
      priority: spec.priority,
      required: spec.required,
      // Retries have no delay, so that a stop can also occur during a retry.
      retry: { minDelayMs: 1, maxDelayMs: 1 },
      startTimeoutMs: mine?.manner === 'hangs' ? 2 : 10_000,
    });
  }
  const starting = container.start().then(
    () => true,
    () => false,
  );
  if (stopAfter !== undefined) {
    for (let turn = 0; turn < stopAfter; turn += 1) await nextTurn();
    await container.stop();
  }
  const started = await starting;
  const needed = fault !== undefined && isNeeded(fault.name, specs);
  if (stopAfter === undefined && started === needed)
    world.wrong.push(started ? 'started without a required service' : 'did not start');
  await container.stop();
  // Everything that was pending at the stop has settled by now.
  await nextTurn();
  if (world.stopped.join() !== world.came.toReversed().join()) {
    world.wrong.push(`stopped ${world.stopped.join(' ')}, but had started ${world.came.join(' ')}`);
  }
  if (world.bus.listenerCount('message') > 0)
    world.wrong.push(`${world.bus.listenerCount('message')} listeners left`);
  const after = openHandles();
  if (after !== before) world.wrong.push(`handles left open: ${after} instead of ${before}`);
  // An open handle has been reported and must not prevent the campaign from ending.
  for (const timer of world.timers) clearInterval(timer);
  return world.wrong;
}

/** Whether the service is required, or a required service depends on it. */
function isNeeded(name: string, specs: readonly Spec[]): boolean {
  const spec = specs.find((each) => each.name === name);
  return (
    spec?.required === true ||
    specs.some(
      (each) => each.dependencies.some((dependency) => dependency === name) && isNeeded(each.name, specs),
    )
  );
}

/** The active handles without immediates, which the campaign itself uses. */
function openHandles(): string {
  return process
    .getActiveResourcesInfo()
    .filter((kind) => kind !== 'Immediate')
    .sort()
    .join();
}

export const campaign: Campaign = async ({ count = FULL_COUNT, seed, report }) => {
  const random = randomFrom(seed);
  let faults = 0;
  let failures = 0;
  for (let run = 1; run <= count; run += 1) {
    const specs = randomGraph(random);
    const all: readonly Harm[] = [
      {},
      ...[0, 1, 2, 3].map((turns) => ({ stopAfter: turns + Math.floor(random() * 4) })),
      ...specs.flatMap(({ name }) =>
        PHASES.map((phase) => ({
          fault: { name, phase, manner: MANNERS[Math.floor(random() * 3)] ?? 'throws' },
        })),
      ),
    ];
    const wrong: string[] = [];
    for (const harm of all) {
      const found = await live(specs, harm);
      wrong.push(...found.map((what) => `${JSON.stringify(harm)}: ${what}`));
    }
    faults += all.length - 1;
    if (wrong.length > 0) failures += 1;
    for (const what of wrong.slice(0, 5)) report(`graph ${run}: ${what}`);
    if (run % 100 === 0) report(`${run} graphs, ${faults} faults and stops, ${failures} failures`);
  }
  return { runs: count, failures, ok: failures === 0, faults };
};
