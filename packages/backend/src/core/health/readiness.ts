import type { HealthRegistry, HealthReport } from './types.ts';

/** Whether the backend accepts work now, and if not, why. */
interface Readiness {
  readonly ready: boolean;
  readonly reason?: string;
  /** It is not ready because it is locked, which every client may know. */
  readonly locked?: boolean;
}

interface ReadinessOptions {
  readonly isLocked?: () => boolean;
}

/**
 * Answers a readiness probe: ready while `isUp` returns true and no critical check is unhealthy. Concurrent probes share one
 * run of the checks, so that a flood of probes cannot multiply them.
 *
 * @example const readiness = readinessProbe(() => lifecycle.ready, health);
 */
export function readinessProbe(
  isUp: () => boolean,
  health: HealthRegistry,
  { isLocked = () => false }: ReadinessOptions = {},
): () => Promise<Readiness> {
  let underway: Promise<HealthReport> | undefined;
  return async () => {
    if (!isUp()) return { ready: false, reason: 'starting or stopping' };
    if (isLocked()) return { ready: false, locked: true, reason: 'unlock it: aico security unlock' };
    underway ??= health.report().finally(() => {
      underway = undefined;
    });
    const { checks } = await underway;
    if (!isUp()) return { ready: false, reason: 'stopping' };
    const failing = Object.entries(checks).filter(
      ([, { critical, status }]) => critical && status === 'unhealthy',
    );
    if (failing.length === 0) return { ready: true };
    return {
      ready: false,
      reason: failing.map(([name, { detail = 'unhealthy' }]) => `${name}: ${detail}`).join('; '),
    };
  };
}
