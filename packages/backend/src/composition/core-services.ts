import { type InProcessBus, MessageBusClient } from '@aico/shared/core/bus';
import type { ConfigurationManager } from '@aico/shared/core/config';
import type { Logging } from '@aico/shared/core/logging';
import type { AICOPaths } from '@aico/shared/core/paths';
import {
  type Database,
  type DatabaseView,
  EncryptedDatabase,
  RetentionClock,
  recoverRotation,
} from '@aico/shared/data';
import { DurableStreams } from '@aico/shared/data/streams';
import { type AICOKeyManager, WIPE_LIMITS, wipe } from '@aico/shared/security';
import { messageBusSection } from '../bus/config.ts';
import { channelSection } from '../channel/channel-config.ts';
import { ChannelService } from '../channel/channel-service.ts';
import { readinessProbe } from '../core/health/readiness.ts';
import { HealthChecks } from '../core/health/registry.ts';
import { servicesCheck } from '../core/health/services-check.ts';
import type { HealthCheckResult } from '../core/health/types.ts';
import type { BackendLifecycleManager } from '../core/lifecycle-manager.ts';
import type { PluginDefinition } from '../core/plugin/plugin-definition.ts';
import { PluginPriority } from '../core/plugin-base.ts';
import type { ServiceContainer } from '../core/service-container.ts';
import { HttpGateway, Idempotency } from '../gateway/index.ts';
import type { HomeUse } from '../instance/home-use.ts';
import { HomeWatch } from '../instance/home-watch.ts';
import { BusBroker } from '../plugins/bus/bus-broker.ts';
import { DatabasePlugin } from '../plugins/database/database-plugin.ts';
import { EventsPlugin } from '../plugins/events/events-plugin.ts';
import { LogStorePlugin } from '../plugins/log-store/index.ts';
import { SecurityPlugin } from '../plugins/security/security-plugin.ts';
import { StreamsPlugin } from '../plugins/streams/streams-plugin.ts';
import { SystemPlugin } from '../plugins/system/system-plugin.ts';
import type { SystemView } from '../plugins/system/system-view.ts';
import { databaseSection, gatewaySection, loggingSection } from './core-sections.ts';
import { LOG_STORE, RESERVED } from './reserved-names.ts';
import type { Vault } from './vault.ts';
import { Witnesses } from './witness.ts';

declare module '../core/services.ts' {
  interface Services {
    lifecycle: BackendLifecycleManager;
    home_watch: HomeWatch;
    channel: ChannelService;
    retention_clock: RetentionClock;
    streams: DurableStreams;
    streams_api: StreamsPlugin;
    events: EventsPlugin;
    idempotency: Idempotency;
    bus_broker: BusBroker;
    log_store: LogStorePlugin;
    database_api: DatabasePlugin;
    security: SecurityPlugin;
    system: SystemPlugin;
  }
}

const DAY_MS = 86_400_000;
const { INFRASTRUCTURE, SECURITY } = PluginPriority;

/** Services that run without a key: they hold no data, and without them nobody could unlock. */
export const OPEN_SERVICES: ReadonlySet<string> = new Set([
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

/** What the services of the house are made of. */
export interface CoreServicesOptions {
  readonly container: ServiceContainer;
  readonly paths: AICOPaths;
  readonly config: ConfigurationManager;
  readonly logging: Logging;
  readonly lifecycle: BackendLifecycleManager;
  /** Unlocked before anything starts, or the vault holds what needs it. */
  readonly keyManager: AICOKeyManager;
  /** Whether this very start has made the keys, so that there cannot have been a database. */
  readonly areKeysNew: () => boolean;
  readonly vault: Vault;
  readonly systemView: SystemView;
  /** Told while the database may be open. */
  readonly homeUse: HomeUse;
  /** Whether the lock file is still the one that this process has locked. */
  readonly isLockInPlace: () => boolean;
  /** Carries the messages between everything in this process. */
  readonly hub: InProcessBus;
  /** Everybody's plugins, which each get the database in their own name. */
  readonly plugins: readonly PluginDefinition[];
}

/** Registers every service that comes with the house, in the order in which a reader meets them. */
export function registerCoreServices(options: CoreServicesOptions): void {
  const { container, paths, config, logging, lifecycle, keyManager, vault, areKeysNew, systemView, plugins } =
    options;
  const { homeUse, isLockInPlace, hub } = options;
  container.registerInstance('paths', paths);
  container.registerInstance('config', config);
  container.registerInstance('logging', logging);
  container.registerInstance('lifecycle', lifecycle);
  container.registerService(
    'health',
    () => {
      const health = new HealthChecks();
      health.register('services', servicesCheck(container), { critical: true });
      return health;
    },
    { priority: INFRASTRUCTURE },
  );
  container.registerService('key_manager', () => keyManager, {
    dependencies: ['config', 'paths', 'logging'],
    priority: SECURITY,
    stop: () => keyManager.lock(),
  });
  const builtIn = new Set<string>();
  /** The database in the name of a consumer that is no part of the backend. */
  const viewOf = (database: Database, consumer: string): DatabaseView | undefined => {
    if (builtIn.has(consumer) || !(database instanceof EncryptedDatabase)) return undefined;
    const { reads = [], ...grants } = plugins.find(({ name }) => name === consumer)?.tables ?? {};
    const service = container.report().services.find(({ name }) => name === consumer);
    const readsLogs = service?.dependencies.includes(LOG_STORE) === true;
    return database.ownedBy(consumer, { ...grants, reads: readsLogs ? [...reads, LOG_STORE] : reads });
  };
  const witnesses = new Witnesses();
  let wasOpened = false;
  const uses = new WeakMap<object, () => void>();
  container.registerService(
    'database',
    async (require) => {
      const file = paths.databaseFile;
      const logger = logging.getLogger('database', 'engine');
      const { cipher, keyring_witness } = config.section(databaseSection);
      // A keyring is slow: it is opened while the threads start, and waited for before anything is written.
      const opening = keyring_witness ? witnesses.open(file, logger) : Promise.resolve(undefined);
      const isFirstOfHome = areKeysNew() && !wasOpened;
      const endUse = homeUse.begin();
      let key: Uint8Array | undefined;
      try {
        await recoverRotation({ file, keys: keyManager });
        key = require('key_manager').databaseKey();
        const database = await EncryptedDatabase.open({
          file,
          key,
          cipher,
          logger,
          reserved: RESERVED,
          witness: {
            refuse: async (stamp, replaces) => {
              // What the keyring knows of a home that was here before its keys were made says nothing about this one.
              if (!isFirstOfHome) await (await opening)?.refuse(stamp, replaces);
            },
          },
        });
        wasOpened = true;
        await proveDurable(database);
        await witnesses.follow(database, await opening);
        uses.set(database, endUse);
        return database;
      } catch (error) {
        endUse();
        throw error;
      } finally {
        if (key !== undefined) wipe(key);
      }
    },
    {
      dependencies: ['config', 'paths', 'logging', 'key_manager'],
      priority: INFRASTRUCTURE,
      stop: async (database) => {
        await witnesses.close(database);
        await database.close().finally(() => uses.get(database)?.());
      },
      // The tables of a plugin are its own. Only what is registered here may see all of them: it serves their owner.
      viewFor: (database, consumer) => viewOf(database, consumer) ?? database,
    },
  );
  container.registerService(
    'retention_clock',
    async (require) => {
      const clock = new RetentionClock({ database: require('database') });
      await clock.start();
      return clock;
    },
    {
      dependencies: ['database'],
      priority: INFRASTRUCTURE,
      // A disk that takes nothing more must not fail the stop; the clock then resumes from where it was last saved.
      stop: (clock) => clock.save().catch(() => undefined),
    },
  );
  let releaseHomeCheck = (): void => {};
  container.registerService(
    'home_watch',
    (require) => {
      const database = require('database');
      const logger = logging.getLogger('backend', 'home');
      const watch = new HomeWatch({
        isLockInPlace,
        lockFile: paths.lockFile,
        slotsFile: paths.keySlotsFile,
        proveSlots: () => keyManager.proveSlots(),
        onLost: (error) => {
          logger.error('A file of the home is lost: no write is acknowledged any more', { error });
          if (database instanceof EncryptedDatabase) database.stopAcknowledging(error);
        },
      });
      releaseHomeCheck = require('health').register('home', () => healthOf(watch), { critical: true });
      return watch;
    },
    {
      dependencies: ['database', 'health', 'logging', 'paths'],
      priority: INFRASTRUCTURE,
      // A home that is locked and unlocked has this service started a second time.
      stop: (watch) => {
        releaseHomeCheck();
        watch.stop();
      },
    },
  );
  container.registerService(
    'streams',
    async (require) => {
      const { durable } = config.section(messageBusSection);
      const streams = new DurableStreams({
        database: require('database'),
        retention: {
          maxAgeMs: durable.max_age_days * DAY_MS,
          maxBytes: durable.max_mib * 1_048_576,
          maxAbsentMs: durable.max_absent_days * DAY_MS,
        },
        logger: logging.getLogger('message_bus', 'streams'),
        retentionClock: require('retention_clock'),
      });
      await streams.start();
      return streams;
    },
    { dependencies: ['database', 'retention_clock', 'logging'], priority: INFRASTRUCTURE },
  );
  container.registerService(
    'message_bus',
    async (require) => {
      const logger = logging.getLogger('message_bus', 'client');
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
      dependencies: ['logging', 'streams'],
      priority: INFRASTRUCTURE,
      stop: (bus) => bus.close(),
      // Each under its own name, so that a message says who published it, and nobody closes another's.
      viewFor: (bus, consumer) =>
        bus instanceof MessageBusClient
          ? bus.as(consumer, consumer === LOG_STORE ? { owns: ['logging'] } : {})
          : bus,
      releaseView: (bus) => bus.close(),
    },
  );
  container.registerService(
    'gateway',
    (require) => {
      const gateway = new HttpGateway({
        config: config.section(gatewaySection),
        newcomers: {
          max: config.section(channelSection).max_unproven,
          maxPerSource: config.section(channelSection).max_unproven_per_source,
        },
        keepAliveMs: config.section(channelSection).idle_ms,
        socketFile: paths.socketFile,
        readiness: readinessProbe(() => lifecycle.ready, require('health'), {
          isLocked: () => vault.state === 'locked',
        }),
        isLocked: () => vault.state === 'locked',
        logger: logging.getLogger('gateway', 'http'),
      });
      // While everything still runs, so that what is in flight can be finished.
      lifecycle.beforeDrain((deadline) => gateway.drain(deadline));
      return gateway;
    },
    { dependencies: ['config', 'paths', 'logging', 'health'], priority: INFRASTRUCTURE },
  );
  container.registerService('bus_broker', () => new BusBroker('bus_broker', container, hub), {
    dependencies: [
      'config',
      'paths',
      'key_manager',
      'message_bus',
      'streams',
      'logging',
      'gateway',
      'health',
    ],
    priority: INFRASTRUCTURE,
  });
  container.registerService('streams_api', () => new StreamsPlugin('streams_api', container), {
    dependencies: ['streams', 'gateway', 'health'],
    priority: INFRASTRUCTURE,
  });
  container.registerService(
    'idempotency',
    async (require) => {
      const retentionClock = require('retention_clock');
      const idempotency = new Idempotency({ database: require('database'), retentionClock });
      await idempotency.start();
      return idempotency;
    },
    {
      dependencies: ['database', 'retention_clock'],
      priority: INFRASTRUCTURE,
      viewFor: (idempotency, consumer) => {
        const view = viewOf(container.getService('database'), consumer);
        return view === undefined ? idempotency : idempotency.as(view);
      },
    },
  );
  container.registerService(
    'log_store',
    () => {
      const { retention } = config.section(loggingSection);
      return new LogStorePlugin('log_store', container, {
        retention: { maxRows: retention.max_lines, maxAgeMs: retention.max_days * DAY_MS },
      });
    },
    {
      dependencies: ['database', 'retention_clock', 'message_bus', 'logging', 'gateway', 'health'],
      priority: INFRASTRUCTURE,
    },
  );
  container.registerService('database_api', () => new DatabasePlugin('database_api', container), {
    dependencies: ['database', 'gateway', 'health', 'paths', 'key_manager'],
    priority: INFRASTRUCTURE,
  });
  container.registerService('events', () => new EventsPlugin('events', container), {
    dependencies: ['message_bus', 'gateway', 'health'],
    priority: PluginPriority.MIDDLEWARE,
  });
  container.registerService(
    'channel',
    () => new ChannelService('channel', container, logging.getLogger('security', 'audit')),
    {
      dependencies: ['config', 'key_manager', 'database', 'gateway', 'health'],
      priority: SECURITY,
    },
  );
  container.registerService(
    'security',
    () =>
      new SecurityPlugin('security', container, {
        get state() {
          return vault.state;
        },
        unlock: (credentials) => vault.unlock(credentials),
        lock: () => vault.lock(),
        wiped: WIPE_LIMITS,
      }),
    { dependencies: ['key_manager', 'gateway'], priority: SECURITY },
  );
  container.registerService('system', () => new SystemPlugin('system', container, systemView), {
    dependencies: ['gateway', 'health', 'config'],
    priority: INFRASTRUCTURE,
  });
  for (const name of container.names) builtIn.add(name);
}

function healthOf(watch: HomeWatch): HealthCheckResult {
  return watch.lost === undefined
    ? { status: 'healthy' }
    : { status: 'unhealthy', detail: watch.lost.message };
}

/** When the backend was started last. */
const START_MIGRATIONS = [
  {
    id: '001_start',
    sql: "CREATE TABLE core_start (at TEXT NOT NULL) STRICT; INSERT INTO core_start VALUES ('')",
  },
];

/** One commit, down to the disk: a disk that cannot write is told at the start, and not by the first who needs it. */
async function proveDurable(database: EncryptedDatabase): Promise<void> {
  try {
    await database.migrate('core', START_MIGRATIONS);
    await database.execute('UPDATE core_start SET at = ?', [new Date().toISOString()]);
  } catch (error) {
    // Full, it can be read still, and written to again once there is room.
    if (database.state.kind === 'read-only') return;
    await database.close().catch(() => undefined);
    throw error;
  }
}
