import type { HealthCheckResult } from './health/types.ts';

/**
 * The methods that any service may have; the container calls those that are there. A service need not extend `BasePlugin`.
 *
 * Once `initialize()` has begun (or, for a service that has neither `initialize` nor `start`, once it was
 * constructed), `stop()` is called exactly once, also when the start failed half-way. `[Symbol.asyncDispose]` or
 * `[Symbol.dispose]`, where there is one, is called last.
 */
export interface Lifecycle {
  /** Everything it depends on runs. `signal` is aborted when the start is called off. */
  initialize?(signal: AbortSignal): void | Promise<void>;
  /** Resolves once it runs: what goes on for longer belongs in the background. */
  start?(signal: AbortSignal): void | Promise<void>;
  /** Everything it depends on still runs. `signal` is aborted when its time is up. */
  stop?(signal: AbortSignal): void | Promise<void>;
  /** Asked while it runs, if a service `'health'` does. */
  healthCheck?(signal: AbortSignal): HealthCheckResult | Promise<HealthCheckResult>;
}

/** Where a service keeps its scope, if it has one. */
export const scope: unique symbol = Symbol('aico.scope');

/** The resources that a service opened through its base class, as the container sees them. */
export abstract class Scope {
  /** The start is called off: aborts the service's signal. */
  abstract cancel(reason: unknown): void;
  /** Lets no more work in and finishes what is in flight, last opened first; then aborts the service's signal. */
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

/** How an instance ends itself by `[Symbol.asyncDispose]`, else `[Symbol.dispose]`; `undefined` without either. */
export function disposerOf(instance: unknown): (() => unknown) | undefined {
  if (typeof instance !== 'object' || instance === null) return undefined;
  for (const name of [Symbol.asyncDispose, Symbol.dispose]) {
    const member: unknown = Reflect.get(instance, name);
    if (typeof member === 'function') return () => Reflect.apply(member, instance, []);
  }
  return undefined;
}
