import type { AicoError } from '@aico/protocol';
import { createMutex } from '@aico/shared/core/tasks';
import type { ContainerState } from './container-types.ts';
import { ContainerStateError } from './errors.ts';
import type { Registry } from './registry.ts';
import type { Registration, ServiceRecord } from './service-record.ts';
import { reportOn, StartReport } from './start-report.ts';
import type { Supervisor } from './supervisor.ts';

/** The parts of the container that a change works on; read again for each. */
interface ChangesOptions {
  readonly registry: () => Registry;
  readonly adopt: (registry: Registry) => void;
  readonly state: () => ContainerState['kind'];
  readonly supervisor: () => Supervisor | undefined;
}

/** Services that are added to, replaced in or removed from a container that runs. */
export interface ServiceChange {
  /** Each replaces the service of the same name, if there is one. */
  readonly add?: readonly Registration[];
  readonly remove?: readonly string[];
  /**
   * Called while all services of the change are stopped: with `true` before they are started, and with `false` before the
   * earlier ones are started again. An error that it throws fails the change.
   */
  readonly whenSwapped?: (isNew: boolean) => void;
}

/** How a change went. */
export type ChangeOutcome =
  | { readonly kind: 'changed'; readonly report: StartReport }
  /** A service did not start, so the earlier services were started again. */
  | {
      readonly kind: 'restored';
      readonly failure: unknown;
      /** The reason if an earlier service did not start again. */
      readonly restoreFailure: Error | undefined;
    };

/** Services that are kept from running, and why. */
interface Hold {
  readonly names: readonly string[];
  readonly reason: string;
}

/** Changes of a running container: a part of it is reloaded, replaced, held or released. Changes run one at a time. */
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
    return this.#options.registry().withDependents(this.#hold?.names ?? []);
  }

  /** Tells `supervisor` which services a start omits. */
  applyHold(supervisor: Supervisor): void {
    if (this.#hold !== undefined) supervisor.hold(this.held, this.#hold.reason);
  }

  async reload(record: ServiceRecord): Promise<StartReport> {
    return this.#exclusive(async () => {
      const supervisor = this.#running(`reload "${record.name}"`);
      const members = this.#options.registry().withDependents([record.name]);
      const beganAt = performance.now();
      await supervisor.takeDown(`reload of ${record.name}`, members);
      return this.#bringUp(supervisor, members, beganAt);
    });
  }

  async change({ add = [], remove = [], whenSwapped }: ServiceChange): Promise<ChangeOutcome> {
    return this.#exclusive(async () => {
      const names = [...add.map(({ name }) => name), ...remove];
      const supervisor = this.#running(`change ${names.join(', ')}`);
      const before = this.#options.registry();
      const after = before.with(add, remove);
      after.graph.check();
      // The dependents before and after the change may differ.
      const concerned = new Set(names);
      for (const registry of [before, after])
        for (const { name } of registry.withDependents(names.filter((each) => registry.byName.has(each))))
          concerned.add(name);
      const leaving = membersOf(before, concerned);
      const wasRunning = new Set([...leaving].filter(isRunning).map(({ name }) => name));
      for (const { name } of add) wasRunning.add(name);
      const beganAt = performance.now();
      await supervisor.takeDown(`change of ${names.join(', ')}`, leaving);
      const coming = membersOf(after, concerned);
      let failure: unknown;
      try {
        this.#adopt(supervisor, after);
        whenSwapped?.(true);
        const report = await this.#bringUp(supervisor, coming, beganAt, wasRunning);
        return { kind: 'changed', report };
      } catch (error) {
        failure = error;
      }
      await supervisor.takeDown(`failed change of ${names.join(', ')}`, coming);
      this.#adopt(supervisor, before);
      whenSwapped?.(false);
      // Nothing is started during a stop.
      if (supervisor.failure !== undefined) throw supervisor.failure;
      let restoreFailure: Error | undefined;
      try {
        await this.#bringUp(supervisor, leaving, beganAt, wasRunning);
      } catch (error) {
        restoreFailure = error instanceof Error ? error : new Error(String(error));
      }
      return { kind: 'restored', failure, restoreFailure };
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

  #adopt(supervisor: Supervisor, registry: Registry): void {
    supervisor.adopt(registry.link());
    this.#options.adopt(registry);
  }

  /**
   * Starts `members`, and keeps those of them that are held.
   *
   * @param needed names of services whose failure counts, although they are optional
   * @throws {Error} the failure of the first service that is required or `needed`
   */
  async #bringUp(
    supervisor: Supervisor,
    members: ReadonlySet<ServiceRecord>,
    beganAt: number,
    needed: ReadonlySet<string> = new Set(),
  ): Promise<StartReport> {
    const { held } = this;
    supervisor.hold(
      [...members].filter((member) => held.has(member)),
      this.#hold?.reason ?? '',
    );
    const started = [...members].filter((member) => !held.has(member));
    await supervisor.bringUp(started, { failFast: false });
    const error = supervisor.failure ?? failureAmong(started, needed);
    if (error !== undefined) throw error;
    const { byName } = this.#options.registry();
    return new StartReport(
      performance.now() - beganAt,
      started.map((member) => reportOn(member, (name) => byName.get(name)?.state.kind === 'running')),
    );
  }
}

function membersOf(registry: Registry, names: ReadonlySet<string>): ReadonlySet<ServiceRecord> {
  return registry.withDependents([...names].filter((name) => registry.byName.has(name)));
}

function isRunning({ state }: ServiceRecord): boolean {
  return state.kind === 'running';
}

function failureAmong(
  members: Iterable<ServiceRecord>,
  needed: ReadonlySet<string>,
): AicoError | Error | undefined {
  for (const { name, required, state } of members) {
    if (state.kind === 'failed' && (required || needed.has(name))) return state.error;
    if (state.kind === 'retrying' && needed.has(name)) return state.error;
  }
  return undefined;
}
