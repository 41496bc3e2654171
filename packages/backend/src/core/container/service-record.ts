import type { AicoError } from '@aico/protocol';
import { Cancellation } from './cancellation.ts';
import { type DependencyGraph, withoutRepeats } from './dependency-graph.ts';
import type { ResolvedOptions } from './service-options.ts';
import type { ServiceState, StartPhase } from './service-state.ts';

/** A start in progress, including its retries. */
export class Run {
  readonly cancellation: Cancellation = new Cancellation();
  /** Resolves when all parts of it have ended; never rejects. */
  done: Promise<void> = Promise.resolve();
}

/** A service as it was registered. */
export interface Registration {
  readonly name: string;
  readonly options: ResolvedOptions;
  make(): unknown;
  /** Stops an instance in place of its own `stop()`; is only called with results of `make`. */
  end?(instance: unknown): unknown;
  /** Creates the view that `consumer` gets in place of the instance. */
  viewFor?(instance: unknown, consumer: string): unknown;
  releaseView?(view: unknown): unknown;
  /** It belongs to the code that registered it: the container neither starts nor stops it. */
  readonly isInstance?: boolean;
}

/** One service: its registration and its state. */
export class ServiceRecord {
  readonly registration: Registration;

  state: ServiceState = { kind: 'registered' };
  #instance: unknown;
  readonly #views = new Map<string, unknown>();
  run: Run | undefined;
  /** Removes its health check. */
  removeHealthCheck: (() => void) | undefined;

  /** Whether the start fails without it: it is registered as required, or a required service depends on it. */
  required: boolean;
  /** The required service that depends on it, if it was registered as optional. */
  requiredBy: string | undefined;
  /** Its direct dependencies. `neededBy` are its direct dependents. */
  needs: ServiceRecord[] = [];
  neededBy: ServiceRecord[] = [];
  /** Services that fill its extension points, and services whose points it fills. It starts after the former if they start. */
  fillers: ServiceRecord[] = [];
  fillerOf: ServiceRecord[] = [];
  /** The number of dependencies that are not running yet. */
  openDependencies = 0;
  /** The number of fillers that have not started and may do so. */
  openFillers = 0;
  attempts = 0;
  /** The dependency that became ready last. */
  waitedOn: string | undefined;
  /** Milliseconds from the start of the container until its first phase. */
  waitedMs = 0;
  /** Milliseconds of each phase of the last attempt. */
  phases: Partial<Record<StartPhase, number>> = {};
  lastError: AicoError | undefined;

  constructor(registration: Registration) {
    this.registration = registration;
    this.required = registration.options.required;
  }

  get instance(): unknown {
    return this.#instance;
  }

  set instance(instance: unknown) {
    this.#instance = instance;
    this.#views.clear();
  }

  /** The instance for `consumer`, which may be a view. */
  instanceFor(consumer: string): unknown {
    const { viewFor } = this.registration;
    if (viewFor === undefined) return this.#instance;
    if (!this.#views.has(consumer)) this.#views.set(consumer, viewFor(this.#instance, consumer));
    return this.#views.get(consumer);
  }

  /** Removes the view of a consumer that has stopped; the caller releases it. */
  takeView(consumer: string): { readonly view: unknown } | undefined {
    if (!this.#views.has(consumer)) return undefined;
    const view = this.#views.get(consumer);
    this.#views.delete(consumer);
    return { view };
  }

  get name(): string {
    return this.registration.name;
  }

  get options(): ResolvedOptions {
    return this.registration.options;
  }

  /** Resets the state of an earlier start. */
  reset(): void {
    this.state = { kind: 'waiting' };
    this.attempts = 0;
    this.waitedOn = undefined;
    this.waitedMs = 0;
    this.phases = {};
    this.lastError = undefined;
  }
}

/**
 * Links each service to its dependencies and dependents. A service on which a required one depends is required too, since the
 * start could not succeed without it.
 *
 * @param order every record, dependencies before their dependents
 */
export function linkRecords(order: readonly ServiceRecord[], graph: DependencyGraph): void {
  const byName = new Map(order.map((record) => [record.name, record]));
  for (const record of order) {
    record.required = record.options.required;
    record.requiredBy = undefined;
    record.neededBy = [];
    record.fillerOf = [];
    record.needs = [];
    record.fillers = graph.fillersOf(record.name).flatMap((name) => byName.get(name) ?? []);
    for (const filler of record.fillers) filler.fillerOf.push(record);
    for (const name of withoutRepeats(record.options.dependencies)) {
      const dependency = byName.get(name);
      if (dependency === undefined) continue;
      record.needs.push(dependency);
      dependency.neededBy.push(record);
    }
  }
  for (const record of order.toReversed()) {
    if (!record.required) continue;
    for (const dependency of record.needs) {
      if (dependency.required) continue;
      dependency.required = true;
      dependency.requiredBy = record.name;
    }
  }
}
