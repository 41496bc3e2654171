import type { HealthCheck } from '../health/types.ts';
import type { ServiceContainer } from './service-container.ts';

/**
 * A health check of the services: `unhealthy` when a required one is not running, `degraded` when an optional one is being
 * retried, has failed, or waits for such a one.
 *
 * @example health.register('services', servicesCheck(container), { critical: true });
 */
export function servicesCheck(container: ServiceContainer): HealthCheck {
  return () => {
    const { services } = container.report();
    const down = services.filter(({ state }) => state !== 'running');
    if (down.length === 0) return { status: 'healthy', data: { running: services.length } };
    const reasons = new Set(down.map(({ name, state, heldBecause }) => heldBecause ?? `${name} is ${state}`));
    return {
      status: down.some(({ required }) => required) ? 'unhealthy' : 'degraded',
      detail: [...reasons].join(', '),
      data: { running: services.length - down.length, notRunning: down.map(({ name }) => name) },
    };
  };
}
