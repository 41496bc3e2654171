import type { InProcessBus } from '@aico/shared/core/bus';
import type { ConfigurationManager } from '@aico/shared/core/config';
import type { Logging } from '@aico/shared/core/logging';
import type { AICOPaths } from '@aico/shared/core/paths';
import type { Clock } from '@aico/shared/core/tasks';
import type { DatabaseFaults } from '@aico/shared/data';
import type { AuditRecorder } from '@aico/shared/data/audit';
import type { EngineWorker } from '@aico/shared/data/engine-worker';
import type { AICOKeyManager } from '@aico/shared/security';
import type { InstanceOf, ServiceFactory } from '../../core/container/container-types.ts';
import type { ServiceContainer } from '../../core/container/service-container.ts';
import type { ServiceOptions } from '../../core/container/service-options.ts';
import type { BackendLifecycleManager } from '../../core/lifecycle-manager.ts';
import type { ServiceName } from '../../core/services.ts';
import type { HomeUse } from '../../instance/home-use.ts';
import type { SystemView } from '../../plugins/system/system-view.ts';
import type { Vault } from '../vault.ts';

/** The parts of a backend that are created before its services and used by them. */
export interface HostParts {
  readonly container: ServiceContainer;
  readonly clock: Clock;
  /** In tests, the faults that the database meets. */
  readonly databaseFaults: DatabaseFaults | undefined;
  /** The worker for the first opening of the database, if it was started ahead. */
  readonly engineWorker: EngineWorker | undefined;
  readonly paths: AICOPaths;
  readonly config: ConfigurationManager;
  readonly logging: Logging;
  readonly lifecycle: BackendLifecycleManager;
  /** Unlocked before the start; otherwise the vault holds back the services that need it. */
  readonly keyManager: AICOKeyManager;
  /** Whether this start has created the keys, so that no database can exist. */
  readonly areKeysNew: () => boolean;
  readonly vault: Vault;
  /** No service, so that no plugin can record an event. */
  readonly audit: AuditRecorder;
  readonly systemView: SystemView;
  /** The configuration by which other nodes reach the shared database; `undefined` if the database is embedded. */
  readonly sharedSettings: () => Readonly<Record<string, string>> | undefined;
  /** Tracks whether the database may be open. */
  readonly homeUse: HomeUse;
  /** Whether the lock file is still the one that this process has locked. */
  readonly isLockInPlace: () => boolean;
  /** The in-process bus. */
  readonly hub: InProcessBus;
}

/** Registers a built-in service. */
export type BuiltInService = (container: ServiceContainer) => void;

/** Declares a built-in service. */
export function service<N extends ServiceName>(
  name: N,
  create: ServiceFactory<N>,
  options: ServiceOptions<InstanceOf<N>>,
): BuiltInService {
  return (container) => container.registerService(name, create, options);
}
