import { sealFor } from '@aico/shared/data';
import { channelSection } from '../../channel/channel-config.ts';
import { readinessProbe } from '../../core/health/readiness.ts';
import { PluginPriority } from '../../core/plugin/plugin-base.ts';
import { HttpGateway, Idempotency } from '../../gateway/index.ts';
import { gatewaySection } from '../core-sections.ts';
import { type BuiltInService, type HostParts, service } from './host-parts.ts';
import type { PluginTables } from './plugin-tables.ts';

/** @param isBuiltIn the routes of built-in plugins are declared at their first use; `default-roles.test.ts` declares all of them */
export function gatewayService(
  { config, paths, logging, lifecycle, vault }: HostParts,
  isBuiltIn: (name: string) => boolean,
): BuiltInService {
  return service(
    'gateway',
    (require) => {
      const gateway = new HttpGateway({
        config: config.section(gatewaySection),
        unproven: {
          max: config.section(channelSection).max_unproven,
          maxPerSource: config.section(channelSection).max_unproven_per_source,
        },
        keepAliveMs: config.section(channelSection).idle_ms,
        socketFile: paths.socketFile,
        readiness: readinessProbe(() => lifecycle.ready, require('health'), {
          isLocked: () => vault.state === 'locked',
        }),
        isLocked: () => vault.state === 'locked',
        declaresLate: isBuiltIn,
        logger: logging.getLogger('gateway', 'http'),
      });
      // While every service still runs, so that requests in flight can be finished.
      lifecycle.beforeDrain((deadline) => gateway.drain(deadline));
      return gateway;
    },
    { dependencies: ['config', 'paths', 'logging', 'health'], priority: PluginPriority.INFRASTRUCTURE },
  );
}

export function idempotencyService({ clock, container }: HostParts, tables: PluginTables): BuiltInService {
  return service(
    'idempotency',
    (require) =>
      new Idempotency({
        database: require('database'),
        seal: sealFor(require('database'), require('key_manager')),
        now: () => clock.now(),
        retentionClock: require('retention_clock'),
      }),
    {
      dependencies: ['database', 'retention_clock', 'key_manager'],
      priority: PluginPriority.INFRASTRUCTURE,
      viewFor: (idempotency, consumer) => {
        const view = tables.viewOf(container.getService('database'), consumer);
        return view === undefined ? idempotency : idempotency.as(view);
      },
    },
  );
}
