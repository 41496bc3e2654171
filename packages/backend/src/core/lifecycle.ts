import type { HealthCheckResult } from './health/types.ts';

/**
 * The optional methods of a service, which the container calls if they exist. A service need not extend `BasePlugin`.
 *
 * Once `initialize()` has begun (or, for a service that has neither `initialize` nor `start`, once it was constructed),
 * `stop()` is called exactly once, also after a failed start. `[Symbol.asyncDispose]` or `[Symbol.dispose]`, if there is one,
 * is called last.
 */
export interface Lifecycle {
  /** All dependencies are running. `signal` is aborted when the start is cancelled. */
  initialize?(signal: AbortSignal): void | Promise<void>;
  /** Resolves once the service is running. Longer work belongs in the background. */
  start?(signal: AbortSignal): void | Promise<void>;
  /** All dependencies are still running. `signal` is aborted at the deadline. */
  stop?(signal: AbortSignal): void | Promise<void>;
  /** Called while the service runs, if there is a service `'health'`. */
  healthCheck?(signal: AbortSignal): HealthCheckResult | Promise<HealthCheckResult>;
}

/** The property that holds the scope of a service, if it has one. */
export const scope: unique symbol = Symbol('aico.scope');

/** The resources that a service opened through its base class, for the container. */
export abstract class Scope {
  /** Cancels the start: aborts the service's signal. */
  abstract cancel(reason: unknown): void;
  /** Closes the intake and finishes pending work, last opened first; then aborts the service's signal. */
  abstract drain(deadline: AbortSignal): Promise<void>;
  /** Releases everything else, last opened first. After `deadline` the rest is released without waiting. */
  abstract release(deadline: AbortSignal): Promise<void>;
}

const LIFECYCLE = ['initialize', 'start', 'stop', 'healthCheck'] as const;

/** The methods of {@link Lifecycle} that an instance has. */
export function lifecycleOf(instance: unknown): Lifecycle {
  return isLifecycle(instance) ? instance : {};
}

function isLifecycle(instance: unknown): instance is Lifecycle {
  if ((typeof instance !== 'object' && typeof instance !== 'function') || instance === null) return false;
  return LIFECYCLE.every((name) => {
    const member: unknown = Reflect.get(instance, name);
    return member === undefined || typeof member === 'function';
  });
}

export function scopeOf(instance: unknown): Scope | undefined {
  if (typeof instance !== 'object' || instance === null || !(scope in instance)) return undefined;
  const owned = instance[scope];
  return owned instanceof Scope ? owned : undefined;
}

/** The `[Symbol.asyncDispose]` or else `[Symbol.dispose]` of an instance; `undefined` without either. */
export function disposerOf(instance: unknown): (() => unknown) | undefined {
  if (typeof instance !== 'object' || instance === null) return undefined;
  for (const name of [Symbol.asyncDispose, Symbol.dispose]) {
    const member: unknown = Reflect.get(instance, name);
    if (typeof member === 'function') return () => Reflect.apply(member, instance, []);
  }
  return undefined;
}
