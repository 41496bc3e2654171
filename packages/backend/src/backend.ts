import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { InProcessBus, installBus } from '@aico/shared/core/bus';
import type { ConfigurationManager } from '@aico/shared/core/config';
import { createLogging, installLogging } from '@aico/shared/core/logging';
import { AICOPaths, writePrivateFile } from '@aico/shared/core/paths';
import { type Clock, systemClock } from '@aico/shared/core/tasks';
import { type DatabaseFaults, finishRestore } from '@aico/shared/data';
import { AuditRecorder } from '@aico/shared/data/audit';
import type { EngineWorker } from '@aico/shared/data/engine-worker';
import { AICOKeyManager, SealedSpool } from '@aico/shared/security';
import { lifecycleSection, securitySection } from './composition/core-sections.ts';
import { OPEN_SERVICES, registerCoreServices } from './composition/core-services.ts';
import { PluginNameTakenError } from './composition/errors.ts';
import { openKeys } from './composition/open-keys.ts';
import { PluginManager } from './composition/plugin-manager.ts';
import type { ChosenPlugin } from './composition/plugins.ts';
import { readConfiguration } from './composition/read-configuration.ts';
import { sharedSettingsOf } from './composition/shared-settings.ts';
import { Vault } from './composition/vault.ts';
import { StartCancelledError } from './core/container/errors.ts';
import { ServiceContainer } from './core/container/service-container.ts';
import { logServiceEvent, type ServiceEvent } from './core/container/service-event.ts';
import { BackendLifecycleManager } from './core/lifecycle-manager.ts';
import { loggingSection, SPOOL_PURPOSE } from './core/logging-section.ts';
import type { PluginDefinition } from './core/plugin/plugin-definition.ts';
import { registerPlugin } from './core/plugin/register-plugin.ts';
import { LoadMeter } from './core/process/process-load.ts';
import { HomeUse } from './instance/home-use.ts';
import { type RunningInstance, readInstance } from './instance/instance-file.ts';
import { InstanceLock } from './instance/instance-lock.ts';
import { identityOf } from './instance/process-identity.ts';
import type { SystemStatus } from './plugins/system/system-view.ts';
import { VERSION } from './version.ts';

/** How a backend is started. */
export interface BackendOptions {
  /** The folder of the home. Default: `AICO_HOME`, else the platform's own folders. */
  readonly home?: string | undefined;
  /** Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Plugins to load in addition to those of the configuration: folders, files, packages or definitions. */
  readonly plugins?: readonly (string | PluginDefinition)[];
  /** The folder against which relative plugins are resolved. Default: the current folder. */
  readonly baseDir?: string;
  /** Configuration values that override all other layers, by dotted key. */
  readonly overrides?: Readonly<Record<string, unknown>>;
  /**
   * Unlocks the keys, or protects the keys that a first start creates. Overrides `core.security.password`. It is not stored.
   */
  readonly password?: string | undefined;
  /** The worker of the database writer, if the caller started it ahead with `startEngineWorker` of `@aico/shared/data/engine-worker`. */
  readonly engineWorker?: EngineWorker | undefined;
  /**
   * Keeps the lock and the instance file until the process ends: parts of it may still have files of the home open, and `aico
   * stop` must find the process. `runBackend` sets it.
   */
  readonly keepHomeUntilExit?: boolean;
  /** Registers additional services before the start. */
  readonly register?: (container: ServiceContainer) => void;
}

/** Parts of a backend that `createTestBackend` replaces. */
interface ReplaceableParts {
  readonly clock?: Clock | undefined;
  readonly hub?: InProcessBus | undefined;
  readonly databaseFaults?: DatabaseFaults | undefined;
  /** Makes the home one that several nodes share, although its database is embedded. */
  readonly sharedSettings?: (() => Readonly<Record<string, string>> | undefined) | undefined;
  /** Called with each event of a service, besides its line in the log. */
  readonly onServiceEvent?: ((event: ServiceEvent) => void) | undefined;
}

/** A running backend. */
export interface Backend {
  readonly version: string;
  readonly container: ServiceContainer;
  readonly lifecycle: BackendLifecycleManager;
  readonly paths: AICOPaths;
  readonly config: ConfigurationManager;
  /** The plugins that it started with. */
  readonly plugins: readonly ChosenPlugin[];
  /** Reloads plugins, and turns them on and off. */
  readonly pluginManager: PluginManager;
  /** The local socket that serves the API. */
  readonly socket: string;
  /** The public port, as a URL. */
  readonly http: string;
  /** How this start protected the keys, if it created them. */
  readonly keysMade: 'key-file' | 'password' | undefined;
  /** Whether it is locked. While it is, no service that holds data runs. */
  isLocked(): boolean;
  /** Stops the services in order and releases the lock of the home. */
  stop(reason?: string): Promise<void>;
}

/** A backend whose services are registered but not started. */
export interface AssembledBackend {
  readonly lifecycle: BackendLifecycleManager;
  /** The file that identifies the running process of the home. */
  readonly instanceFile: string;
  start(): Promise<Backend>;
}

/**
 * The composition root, the only file that imports from every folder. Reads the configuration, takes the lock of the home,
 * loads the plugins and registers every service. Nothing runs before `start()`.
 *
 * @throws {AicoError} when the home, the configuration, the lock or a plugin's module cannot be used; nothing is left behind
 */
export async function assembleBackend(
  options: BackendOptions = {},
  {
    clock = systemClock,
    hub = new InProcessBus(),
    databaseFaults,
    sharedSettings,
    onServiceEvent,
  }: ReplaceableParts = {},
): Promise<AssembledBackend> {
  const { env = process.env, overrides = {} } = options;
  const paths = new AICOPaths({ home: options.home, env });
  const { config, plugins, missing } = await readConfiguration({
    paths,
    env,
    overrides,
    plugins: options.plugins ?? [],
    baseDir: options.baseDir ?? process.cwd(),
  });
  paths.ensure();
  const lock = new InstanceLock(paths);
  const homeUse = new HomeUse();

  const { level, levels, redaction, console } = config.section(loggingSection);
  const isDevelopment = config.get('environment', 'development') === 'development';
  const format = console.format === 'auto' && !isDevelopment ? 'json' : console.format;
  const logging = createLogging({
    level,
    levels,
    redaction: { ...redaction, privateKeys: redaction.private_keys },
    console: { ...console, format },
  });
  config.onSecrets((values) => logging.hide(values));
  const uninstallLogging = installLogging(logging);
  for (const { name, module, error } of missing)
    logging.getLogger('backend', 'plugins').error(`The plugin ${name} could not be loaded and is left out`, {
      plugin: name,
      module,
      error,
    });
  const container = new ServiceContainer({
    startTimeoutMs: config.section(lifecycleSection).start_timeout_ms,
    onEvent: (event) => {
      logServiceEvent(logging.getLogger('backend', 'container'), event);
      onServiceEvent?.(event);
    },
  });
  const lifecycle = new BackendLifecycleManager({
    container,
    stopBudgetMs: config.section(lifecycleSection).stop_budget_ms,
    logger: logging.getLogger('backend', 'lifecycle'),
  });
  const uninstallBus = installBus({
    transport: hub,
    durable: () => container.findService('streams'),
    onError: (error) =>
      logging
        .getLogger('message_bus', 'client', { published: false })
        .error('A message was not handled', { error }),
  });
  const startedAt = new Date().toISOString();
  const beganAt = performance.now();

  // Only once: after the lock is released, the instance file may belong to another backend.
  let released: Promise<void> | undefined;
  const letGo = async (): Promise<void> => {
    try {
      await audit.flush();
      await pluginManager[Symbol.asyncDispose]();
      uninstallBus();
      await hub.close();
      await logging.close();
    } finally {
      // Until then the spool takes the lines of the stop, which the next start stores.
      keyManager.lock();
    }
    uninstallLogging();
    if (options.keepHomeUntilExit === true || !homeUse.isIdle) return;
    await rm(paths.instanceFile, { force: true });
    lock.release();
  };
  const release = (): Promise<void> => {
    released ??= letGo();
    return released;
  };

  lifecycle.afterStop(release);

  const audit = new AuditRecorder({
    pendingFile: paths.auditPendingFile,
    onFailure: (error) =>
      logging.getLogger('security', 'audit').error('An event was not recorded', { error }),
  });
  const keyManager = new AICOKeyManager({
    slotsFile: paths.keySlotsFile,
    keyFile: paths.keyFile,
    logger: logging.getLogger('security', 'keys'),
    // After an unlocking the trail opens next; after a wrong key it does not.
    onEvent: (event) => audit.record(event, event.outcome === 'failed'),
  });
  keyManager.whileUnlocked(() =>
    logging.spoolTo(
      new SealedSpool({
        folder: paths.stateDir,
        run: logging.run,
        key: keyManager.deriveKey(SPOOL_PURPOSE),
      }),
    ),
  );
  const vault = new Vault({
    container,
    keyManager,
    openServices: OPEN_SERVICES,
    logger: logging.getLogger('security', 'vault'),
    audit,
  });
  const pluginManager = new PluginManager({
    container,
    config,
    pluginsDir: paths.pluginsDir,
    baseDir: options.baseDir ?? process.cwd(),
    chosen: plugins,
    missing,
    isLocked: () => vault.state !== 'unlocked',
    logger: logging.getLogger('backend', 'plugins'),
    audit,
  });
  const loadMeter = new LoadMeter();
  const status = (): SystemStatus => ({
    pid: process.pid,
    version: VERSION,
    node: process.version,
    environment: config.get('environment', 'development'),
    home: paths.home ?? paths.dataDir,
    state: lifecycle.ready && vault.state !== 'unlocked' ? vault.state : lifecycle.state.kind,
    startedAt,
    uptimeMs: Math.round(performance.now() - beganAt),
    addresses: container.findService('gateway')?.addresses ?? { socket: undefined, http: undefined },
    load: { ...loadMeter.read(), requests: container.findService('gateway')?.requests },
    report: container.report().toJSON(),
  });

  let keysMade: Backend['keysMade'];
  try {
    registerCoreServices({
      container,
      clock,
      databaseFaults,
      sharedSettings: sharedSettings ?? (() => sharedSettingsOf(config)),
      engineWorker: options.engineWorker,
      paths,
      config,
      logging,
      lifecycle,
      keyManager,
      vault,
      audit,
      areKeysNew: () => keysMade !== undefined,
      homeUse,
      hub,
      isLockInPlace: () => lock.isInPlace,
      systemView: {
        version: VERSION,
        environment: config.get('environment', 'development'),
        status,
        plugins: pluginManager,
        stop: () => void lifecycle.stop('asked for over the API'),
      },
    });
    for (const { definition, module, required } of plugins) {
      if (container.has(definition.name))
        throw new PluginNameTakenError(definition.name, module, 'a part of the backend');
      registerPlugin(container, required === undefined ? definition : { ...definition, required });
    }
    options.register?.(container);
    container.check();
  } catch (error) {
    await release();
    throw error;
  }

  return {
    lifecycle,
    instanceFile: paths.instanceFile,
    async start() {
      try {
        // Before the keys are opened, since a restore replaces the slots.
        const isRestored = await finishRestore({
          file: paths.databaseFile,
          slotsFile: paths.keySlotsFile,
          home: { configDir: paths.configDir, grantsFile: paths.busGrantsFile },
        });
        // The restore may have replaced the configuration; plugins that it adds are loaded at the next start.
        if (isRestored) {
          await config.reload();
          // The command that began it was stopped before it could record it.
          await audit.record({ action: 'database.restored' });
        }
        const keys = await openKeys({
          keyManager,
          environment: config.get('environment', 'development'),
          password: options.password ?? config.section(securitySection).password?.reveal(),
          slotsFile: paths.keySlotsFile,
          databaseFile: paths.databaseFile,
          databaseExists: existsSync(paths.databaseFile),
        });
        keysMade = keys.made;
        // After a signal while the keys were being opened, nothing is started.
        if (lifecycle.state.kind !== 'idle')
          throw new StartCancelledError('stopped while the keys were opened');
        if (keys.state === 'locked') await vault.startLocked();
        await lifecycle.start();
        const { socket, http } = container.getService('gateway').addresses;
        if (socket === undefined || http === undefined)
          throw new TypeError('the gateway runs and does not listen');
        // A backend that stops removes the file.
        const before = readInstance(paths.instanceFile);
        if (before !== undefined)
          logging
            .getLogger('backend', 'lifecycle')
            .warn('The backend before this one ended without a stop: it was killed, or a fault ended it', {
              pid: before.pid,
              startedAt: before.startedAt,
            });
        const instance: RunningInstance = {
          pid: process.pid,
          startedAt,
          socket,
          http,
          process: identityOf(process.pid),
        };
        await writePrivateFile(paths.instanceFile, JSON.stringify(instance));
        const stop = async (reason = 'stop'): Promise<void> => {
          await lifecycle.stop(reason);
          await release();
        };
        return {
          version: VERSION,
          container,
          lifecycle,
          paths,
          config,
          plugins,
          pluginManager,
          socket,
          http,
          keysMade,
          isLocked: () => vault.state !== 'unlocked',
          stop,
        };
      } catch (error) {
        await lifecycle.stop('the start failed');
        await release();
        throw error;
      }
    },
  };
}

/** Assembles a backend and starts it: see {@link assembleBackend}. */
export async function startBackend(
  options: BackendOptions = {},
  parts: ReplaceableParts = {},
): Promise<Backend> {
  const assembled = await assembleBackend(options, parts);
  return assembled.start();
}
