import type { AicoError } from '@aico/protocol';
import { Deadline, isPending } from '../deadline.ts';
import { disposerOf, lifecycleOf, scopeOf } from '../lifecycle.ts';
import { ServiceStopError, ServiceStopTimeoutError } from './errors.ts';
import type { ServiceRecord } from './service-record.ts';

type Step = readonly [name: string, run: (deadline: AbortSignal) => unknown];

/**
 * Stops one instance: drains its intake, calls `stop()` if requested, and releases its resources. Each step runs even if the
 * one before failed. A step that hangs may use at most half of the remaining time, so that the later ones can run.
 *
 * @returns the errors; empty if every step ended in time
 */
export async function stopInstance(
  record: ServiceRecord,
  instance: unknown,
  { callStop, timeoutMs }: { readonly callStop: boolean; readonly timeoutMs: number },
): Promise<AicoError[]> {
  const troubles: AicoError[] = [];
  const steps = stepsFor(record, instance, callStop);
  const endsAt = performance.now() + timeoutMs;
  for (const [index, [name, run]] of steps.entries()) {
    const left = Math.max(0, endsAt - performance.now());
    const stepMs = index === steps.length - 1 ? left : left / 2;
    using deadline = new Deadline(stepMs);
    try {
      const result = run(deadline.signal);
      if (isPending(result) && !(await deadline.settles(result))) {
        troubles.push(new ServiceStopTimeoutError(record.name, name, stepMs, await reasonSoon(result)));
      }
    } catch (error) {
      troubles.push(new ServiceStopError(record.name, name, error));
    }
  }
  return troubles;
}

/** The reason why a step did not end in time: a scope rejects, in the same turn, with the name of the resource that it waited for. */
async function reasonSoon(result: PromiseLike<unknown>): Promise<unknown> {
  const turn = new Promise((resolve) => setImmediate(resolve));
  return Promise.race([result, turn]).then(
    () => undefined,
    (error: unknown) => error,
  );
}

function stepsFor(record: ServiceRecord, instance: unknown, callStop: boolean): readonly Step[] {
  const steps: Step[] = [];
  const { removeHealthCheck, registration } = record;
  if (removeHealthCheck !== undefined) {
    record.removeHealthCheck = undefined;
    steps.push(['its health check', removeHealthCheck]);
  }
  const scope = scopeOf(instance);
  if (scope !== undefined) {
    steps.push(['finishing its requests and messages', (deadline) => scope.drain(deadline)]);
  }
  if (callStop) {
    const lifecycle = lifecycleOf(instance);
    if (registration.end !== undefined) steps.push(['its stop option', () => registration.end?.(instance)]);
    else if (lifecycle.stop !== undefined) steps.push(['stop()', (deadline) => lifecycle.stop?.(deadline)]);
  }
  const dispose = disposerOf(instance);
  if (scope !== undefined) steps.push(['releasing what it opened', (deadline) => scope.release(deadline)]);
  else if (dispose !== undefined) steps.push(['its disposal', dispose]);
  return steps;
}
