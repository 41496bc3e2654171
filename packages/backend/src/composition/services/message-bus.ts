import { MessageBusClient } from '@aico/shared/core/bus';
import { sealFor } from '@aico/shared/data';
import { DurableStreams } from '@aico/shared/data/streams';
import { messageBusSection } from '../../bus/config.ts';
import { BusNodes } from '../../bus/nodes/bus-nodes.ts';
import { PluginPriority } from '../../core/plugin/plugin-base.ts';
import { LOG_STORE } from '../reserved-names.ts';
import { type BuiltInService, type HostParts, service } from './host-parts.ts';

const DAY_MS = 86_400_000;

export function streamsService({ clock, config, logging }: HostParts): BuiltInService {
  return service(
    'streams',
    (require) => {
      const { durable } = config.section(messageBusSection);
      return new DurableStreams({
        database: require('database'),
        seal: sealFor(require('database'), require('key_manager')),
        retention: {
          maxAgeMs: durable.max_age_days * DAY_MS,
          maxBytes: durable.max_mib * 1_048_576,
          maxAbsentMs: durable.max_absent_days * DAY_MS,
        },
        // Not the bus's own name, whose lines stay on the console: a failing consumer belongs in the log.
        logger: logging.getLogger('streams', 'delivery'),
        retentionClock: require('retention_clock'),
        now: () => clock.now(),
      });
    },
    {
      dependencies: ['database', 'retention_clock', 'logging', 'key_manager'],
      priority: PluginPriority.INFRASTRUCTURE,
    },
  );
}

export function busNodesService({ config, hub, logging, paths }: HostParts): BuiltInService {
  let releaseCheck = (): void => {};
  return service(
    'bus_nodes',
    async (require) => {
      const nodes = new BusNodes({
        hub,
        config,
        keys: require('key_manager'),
        nodeKeyFile: paths.nodeKeyFile,
        logger: logging.getLogger('message_bus', 'nodes', { published: false }),
      });
      await nodes.join();
      if (nodes.status !== undefined)
        releaseCheck = require('health').register('bus_nodes', () => nodes.health());
      return nodes;
    },
    {
      dependencies: ['config', 'health', 'key_manager', 'logging', 'paths'],
      priority: PluginPriority.INFRASTRUCTURE,
      stop: async (nodes) => {
        releaseCheck();
        await nodes.leave();
      },
    },
  );
}

export function messageBusService({ logging, hub }: HostParts): BuiltInService {
  return service(
    'message_bus',
    async (require) => {
      const logger = logging.getLogger('message_bus', 'client', { published: false });
      const bus = new MessageBusClient({
        source: 'backend',
        transport: hub,
        owns: ['logging'],
        durable: require('streams'),
        onError: (error) => logger.error('A message was not handled', { error }),
      });
      await bus.connect();
      return bus;
    },
    {
      // Joined first, so that a subscription is in force on all nodes when `subscribe` resolves.
      dependencies: ['bus_nodes', 'logging', 'streams'],
      priority: PluginPriority.INFRASTRUCTURE,
      stop: (bus) => bus.close(),
      // Each consumer has a client under its own name, which becomes the source of its messages and can be closed separately.
      viewFor: (bus, consumer) =>
        bus instanceof MessageBusClient
          ? bus.as(consumer, consumer === LOG_STORE ? { owns: ['logging'] } : {})
          : bus,
      releaseView: (bus) => bus.close(),
    },
  );
}
