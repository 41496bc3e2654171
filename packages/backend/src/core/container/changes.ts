import { createMutex } from '@aico/shared/core/tasks';
import { ContainerStateError } from '../errors.ts';
import type { ContainerState } from './container-types.ts';
import type { DependencyGraph } from './dependency-graph.ts';
import type { ServiceRecord } from './service-record.ts';
import { reportOn, StartReport } from './start-report.ts';
import type { Supervisor } from './supervisor.ts';

/** The parts of the container that a change works on; read again for each. */
export interface ChangesOptions {
  readonly records: ReadonlyMap<string, ServiceRecord>;
  readonly graph: () => DependencyGraph;
  readonly state: () => ContainerState['kind'];
  readonly supervisor: () => Supervisor | undefined;
}

/** Services that are kept from running, and why. */
interface Hold {
  readonly names: readonly string[];
  readonly reason: string;
}

/** Changes of a running container: a part of it is reloaded, held or released. Changes run one at a time. */
export class Changes {
  readonly #options: ChangesOptions;
  #hold: Hold | undefined;
  readonly #exclusive = createMutex();

  constructor(options: ChangesOptions) {
    this.#options = options;
  }

  /** Resolves when no change is in progress. */
  get settled(): Promise<unknown> {
    return this.#exclusive(() => undefined);
  }

  /** Held services and everything that depends on them, dependencies first. */
  get held(): ReadonlySet<ServiceRecord> {
    return this.#withDependents(this.#hold?.names ?? []);
  }

  /** Tells `supervisor` which services a start omits. */
  applyHold(supervisor: Supervisor): void {
    if (this.#hold !== undefined) supervisor.hold(this.held, this.#hold.reason);
  }

  async reload(record: ServiceRecord): Promise<StartReport> {
    return this.#exclusive(async () => {
      const supervisor = this.#running(`reload "${record.name}"`);
      const members = this.#withDependents([record.name]);
      const beganAt = performance.now();
      await supervisor.takeDown(`reload of ${record.name}`, members);
      const held = this.held;
      supervisor.hold(
        [...members].filter((member) => held.has(member)),
        this.#hold?.reason ?? '',
      );
      return this.#bringUp(
        supervisor,
        [...members].filter((member) => !held.has(member)),
        beganAt,
      );
    });
  }

  async hold(names: readonly string[], reason: string): Promise<void> {
    await this.#exclusive(async () => {
      const state = this.#options.state();
      if (state === 'starting' || state === 'stopping')
        throw new ContainerStateError('hold services', state, 'Wait for the start or stop to end.');
      if (this.#hold !== undefined)
        throw new ContainerStateError('hold services', 'held', 'Release what is held first.');
      this.#hold = { names, reason };
      const supervisor = this.#options.supervisor();
      if (state !== 'running' || supervisor === undefined) return;
      await supervisor.takeDown(reason, this.held);
      supervisor.hold(this.held, reason);
    });
  }

  async release(): Promise<StartReport> {
    return this.#exclusive(async () => {
      const supervisor = this.#running('release services');
      const members = this.held;
      const hold = this.#hold;
      this.#hold = undefined;
      try {
        return await this.#bringUp(supervisor, members, performance.now());
      } catch (error) {
        // A stop in progress stops them itself.
        if (hold !== undefined && supervisor.failure === undefined) {
          await supervisor.takeDown(hold.reason, members);
          supervisor.hold(members, hold.reason);
          this.#hold = hold;
        }
        throw error;
      }
    });
  }

  #running(action: string): Supervisor {
    const supervisor = this.#options.supervisor();
    const state = this.#options.state();
    if (state !== 'running' || supervisor === undefined)
      throw new ContainerStateError(action, state, 'Only a running container does this.');
    return supervisor;
  }

  async #bringUp(
    supervisor: Supervisor,
    members: Iterable<ServiceRecord>,
    beganAt: number,
  ): Promise<StartReport> {
    await supervisor.bringUp(members, { failFast: false });
    const error = supervisor.failure ?? failureAmong(members);
    if (error !== undefined) throw error;
    const isRunning = (name: string): boolean => this.#options.records.get(name)?.state.kind === 'running';
    return new StartReport(
      performance.now() - beganAt,
      [...members].map((member) => reportOn(member, isRunning)),
    );
  }

  #withDependents(names: readonly string[]): ReadonlySet<ServiceRecord> {
    if (names.length === 0) return new Set();
    const graph = this.#options.graph();
    const all = new Set([...names, ...graph.standingOn(names)]);
    return new Set(
      graph
        .order()
        .filter((name) => all.has(name))
        .flatMap((name) => this.#options.records.get(name) ?? [])
        .filter(({ registration }) => registration.isInstance !== true),
    );
  }
}

function failureAmong(members: Iterable<ServiceRecord>): Error | undefined {
  for (const { required, state } of members) if (required && state.kind === 'failed') return state.error;
  return undefined;
}
