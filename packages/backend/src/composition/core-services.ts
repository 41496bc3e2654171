import type { EncryptedDatabase, RetentionClock } from '@aico/shared/data';
import type { DurableStreams } from '@aico/shared/data/streams';
import { WIPE_LIMITS } from '@aico/shared/security';
import type { BusNodes } from '../bus/nodes/bus-nodes.ts';
import type { BackendLifecycleManager } from '../core/lifecycle-manager.ts';
import { registerPlugin } from '../core/plugin/register-plugin.ts';
import type { Idempotency } from '../gateway/index.ts';
import type { HomeWatch } from '../instance/home-watch.ts';
import { auditPlugin } from '../plugins/audit/audit-plugin.ts';
import { type BusBroker, busPlugin } from '../plugins/bus/bus-broker.ts';
import { type ChannelService, channelPlugin } from '../plugins/channel/channel-service.ts';
import { databasePlugin } from '../plugins/database/database-plugin.ts';
import { type EventsPlugin, eventsPlugin } from '../plugins/events/events-plugin.ts';
import { type LogStorePlugin, logStorePlugin } from '../plugins/log-store/log-store-plugin.ts';
import { nodesPlugin } from '../plugins/nodes/nodes-plugin.ts';
import { securityPlugin } from '../plugins/security/security-plugin.ts';
import { streamsPlugin } from '../plugins/streams/streams-plugin.ts';
import { systemPlugin } from '../plugins/system/system-plugin.ts';
import {
  databaseService,
  HomeDatabase,
  nodeDatabaseService,
  retentionClockService,
} from './services/database.ts';
import { gatewayService, idempotencyService } from './services/gateway.ts';
import { healthService, homeWatchService, keyManagerService } from './services/home.ts';
import type { HostParts } from './services/host-parts.ts';
import { busNodesService, messageBusService, streamsService } from './services/message-bus.ts';
import { PluginTables } from './services/plugin-tables.ts';

declare module '../core/services.ts' {
  interface Services {
    lifecycle: BackendLifecycleManager;
    home_watch: HomeWatch;
    /** The encrypted database in the home, for data that stays on this machine. */
    node_database: EncryptedDatabase;
    retention_clock: RetentionClock;
    streams: DurableStreams;
    idempotency: Idempotency;
    bus_broker: BusBroker;
    bus_nodes: BusNodes;
    channel: ChannelService;
    events: EventsPlugin;
    log_store: LogStorePlugin;
    /** Runs while security-relevant events are recorded in the database. */
    audit: unknown;
    /** Plugins that provide routes but no service, named so that other plugins can depend on them. */
    database_api: unknown;
    security: unknown;
    streams_api: unknown;
    system: unknown;
  }
}

/** Services that run without a key: they hold no data, and are needed to unlock the home. */
export const OPEN_SERVICES: ReadonlySet<string> = new Set([
  'clock',
  'paths',
  'config',
  'logging',
  'lifecycle',
  'health',
  'plugins',
  'key_manager',
  'gateway',
  'security',
  'system',
]);

/** Registers the built-in services and plugins. */
export function registerCoreServices(parts: HostParts): void {
  const { container, clock, paths, config, logging, lifecycle, hub, vault, audit, systemView } = parts;
  const builtIn = new Set<string>();
  const isBuiltIn = (name: string): boolean => builtIn.has(name);
  const tables = new PluginTables(container, isBuiltIn);
  const home = new HomeDatabase(parts);
  container.registerInstance('clock', clock);
  container.registerInstance('paths', paths);
  container.registerInstance('config', config);
  container.registerInstance('logging', logging);
  container.registerInstance('lifecycle', lifecycle);
  for (const register of [
    healthService(parts),
    keyManagerService(parts),
    databaseService(parts, home, tables),
    nodeDatabaseService(home),
    retentionClockService(parts),
    homeWatchService(parts),
    streamsService(parts),
    busNodesService(parts),
    messageBusService(parts),
    gatewayService(parts, isBuiltIn),
    idempotencyService(parts, tables),
  ])
    register(container);
  for (const plugin of [
    auditPlugin(audit),
    busPlugin(hub, audit),
    streamsPlugin,
    logStorePlugin(audit),
    databasePlugin(audit),
    eventsPlugin,
    channelPlugin(audit),
    nodesPlugin({
      audit,
      sharedSettings: parts.sharedSettings,
      stop: (reason) => void lifecycle.stop(reason),
    }),
    securityPlugin({
      get state() {
        return vault.state;
      },
      unlock: (credentials) => vault.unlock(credentials),
      lock: () => vault.lock(),
      wiped: WIPE_LIMITS,
    }),
    systemPlugin(systemView),
  ])
    registerPlugin(container, plugin);
  for (const name of container.names) builtIn.add(name);
}
