import { isOwnable } from '@aico/shared/data';
import { servicesCheck } from '../../core/container/services-check.ts';
import { HealthChecks } from '../../core/health/registry.ts';
import type { HealthCheckResult } from '../../core/health/types.ts';
import { PluginPriority } from '../../core/plugin/plugin-base.ts';
import { HomeWatch } from '../../instance/home-watch.ts';
import { type BuiltInService, type HostParts, service } from './host-parts.ts';

export function healthService({ container }: HostParts): BuiltInService {
  return service(
    'health',
    () => {
      const health = new HealthChecks();
      health.register('services', servicesCheck(container), { critical: true });
      return health;
    },
    { priority: PluginPriority.INFRASTRUCTURE },
  );
}

export function keyManagerService({ keyManager }: HostParts): BuiltInService {
  return service('key_manager', () => keyManager, {
    dependencies: ['config', 'paths', 'logging'],
    priority: PluginPriority.SECURITY,
    stop: () => keyManager.lock(),
  });
}

export function homeWatchService({ isLockInPlace, paths, keyManager, logging }: HostParts): BuiltInService {
  let releaseHomeCheck = (): void => {};
  return service(
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
          if (isOwnable(database)) database.stopAcknowledging(error);
        },
      });
      releaseHomeCheck = require('health').register('home', () => healthOf(watch), { critical: true });
      return watch;
    },
    {
      dependencies: ['database', 'health', 'logging', 'paths'],
      priority: PluginPriority.INFRASTRUCTURE,
      // This service is started a second time when a locked home is unlocked.
      stop: (watch) => {
        releaseHomeCheck();
        watch.stop();
      },
    },
  );
}

function healthOf(watch: HomeWatch): HealthCheckResult {
  return watch.lost === undefined
    ? { status: 'healthy' }
    : { status: 'unhealthy', detail: watch.lost.message };
}
