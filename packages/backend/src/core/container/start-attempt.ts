import type { AicoError } from '@aico/protocol';
import { type ProgressWatch, watchProgress } from '@aico/shared/core/tasks';
import { withPlugin } from '@aico/shared/core/tracing';
import { Deadline, isPending } from '../deadline.ts';
import { lifecycleOf, type Scope, scopeOf } from '../lifecycle.ts';
import type { Cancellation } from './cancellation.ts';
import {
  ServiceConstructError,
  ServiceInitializeError,
  ServiceStartError,
  ServiceStartTimeoutError,
  ServiceStopTimeoutError,
  StartCancelledError,
} from './errors.ts';
import type { ServiceRecord } from './service-record.ts';
import type { StartPhase } from './service-state.ts';
import { stopInstance } from './stop-instance.ts';

/** The callbacks of an attempt. */
export interface AttemptListener {
  /** The service has started. An error thrown here fails the attempt. */
  started(record: ServiceRecord, instance: unknown): void;
  /** An error occurred during the cleanup of a failed attempt. */
  trouble(record: ServiceRecord, error: AicoError): void;
}

/**
 * Tries once to start a service: construct, initialize, start, each with a deadline. On failure the service is stopped and its
 * resources are released before this rejects, with an error that names the service and the phase.
 */
export async function attemptStart(
  record: ServiceRecord,
  cancellation: Cancellation,
  listener: AttemptListener,
): Promise<void> {
  record.phases = {};
  const { stopTimeoutMs } = record.options;
  // An instance that arrives after the deadline has no other owner.
  const stopLate = (late: unknown): void => void stop(late, true);
  const made = runPhase(
    record,
    'construct',
    cancellation,
    () => record.registration.make(),
    listener,
    stopLate,
  );
  const instance = isPending(made) ? await made : made;
  // A factory that forgets its `return` would otherwise register a service that does nothing.
  if (instance === undefined || instance === null)
    throw failure(record.name, 'construct', new TypeError(`its factory returned ${String(instance)}`));
  const lifecycle = lifecycleOf(instance);
  const scope = scopeOf(instance);
  const unsubscribe =
    scope === undefined ? undefined : cancellation.subscribe((reason) => scope.cancel(reason));
  let begun = lifecycle.initialize === undefined && lifecycle.start === undefined;
  try {
    for (const phase of ['initialize', 'start'] as const) {
      if (lifecycle[phase] === undefined) continue;
      if (cancellation.reason !== undefined) throw cancelled(cancellation.reason);
      begun = true;
      const done = runPhase(
        record,
        phase,
        cancellation,
        () => inNameOf(record.name, scope, () => lifecycle[phase]?.(cancellation.signal)),
        listener,
      );
      if (isPending(done)) await done;
    }
    listener.started(record, instance);
  } catch (error) {
    scope?.cancel(error);
    await stop(instance, begun);
    throw error;
  } finally {
    unsubscribe?.();
  }

  async function stop(what: unknown, callStop: boolean): Promise<void> {
    const troubles = await stopInstance(record, what, { callStop, timeoutMs: stopTimeoutMs });
    for (const trouble of troubles) listener.trouble(record, trouble);
  }
}

/** The progress that a phase reports. */
interface PhaseProgress extends ProgressWatch {
  renew: (() => void) | undefined;
  last: string | undefined;
}

/** Returns at once if the work is synchronous; only pending work costs a promise and a timer. */
function runPhase(
  record: ServiceRecord,
  phase: StartPhase,
  cancellation: Cancellation,
  work: () => unknown,
  listener: AttemptListener,
  late?: (value: unknown) => void,
): unknown {
  record.state = { kind: 'starting', phase, attempt: record.attempts };
  const beganAt = performance.now();
  const progress: PhaseProgress = { renew: undefined, last: undefined, listener: undefined };
  progress.listener = (what) => {
    progress.last = what;
    progress.renew?.();
  };
  try {
    const result = watchProgress(progress, work);
    if (isPending(result)) return awaitPhase(record, phase, cancellation, result, progress, listener, late);
    record.phases[phase] = performance.now() - beganAt;
    progress.listener = undefined;
    return result;
  } catch (error) {
    record.phases[phase] = performance.now() - beganAt;
    throw failure(record.name, phase, error);
  }
}

async function awaitPhase(
  record: ServiceRecord,
  phase: StartPhase,
  cancellation: Cancellation,
  pending: PromiseLike<unknown>,
  progress: PhaseProgress,
  listener: AttemptListener,
  late: ((value: unknown) => void) | undefined,
): Promise<unknown> {
  const beganAt = performance.now();
  const result = Promise.resolve(pending);
  const { startTimeoutMs } = record.options;
  // The duration of a start may depend on the amount of data, so the deadline is renewed by progress.
  using deadline = new Deadline(startTimeoutMs);
  progress.renew = () => deadline.renew(startTimeoutMs);
  const unsubscribe = cancellation.subscribe((_reason, graceMs) => deadline.shorten(graceMs));
  try {
    if (await deadline.settles(result)) return await result;
  } catch (error) {
    // A phase that obeys the signal rejects, which is no failure of its own.
    throw cancellation.reason === undefined
      ? failure(record.name, phase, error)
      : cancelled(cancellation.reason, error);
  } finally {
    unsubscribe();
    progress.listener = undefined;
    record.phases[phase] = performance.now() - beganAt;
  }
  result.then(late, (error: unknown) => listener.trouble(record, failure(record.name, phase, error)));
  if (cancellation.reason === undefined) {
    throw new ServiceStartTimeoutError(record.name, phase, startTimeoutMs, progress.last);
  }
  const waitedMs = performance.now() - beganAt;
  listener.trouble(
    record,
    new ServiceStopTimeoutError(record.name, `the ${phase} phase, when the start was called off,`, waitedMs),
  );
  throw cancelled(cancellation.reason);
}

function failure(service: string, phase: StartPhase, cause: unknown): AicoError {
  switch (phase) {
    case 'construct':
      return new ServiceConstructError(service, cause);
    case 'initialize':
      return new ServiceInitializeError(service, cause);
    case 'start':
      return new ServiceStartError(service, cause);
  }
}

function cancelled(reason: Error, cause?: unknown): StartCancelledError {
  return reason instanceof StartCancelledError
    ? reason
    : new StartCancelledError(reason.message, cause ?? reason);
}

/** Attributes log lines of a plugin's start, and of everything that it begins, to the plugin. */
function inNameOf<T>(name: string, scope: Scope | undefined, run: () => T): T {
  return scope === undefined ? run() : withPlugin(name, run);
}
