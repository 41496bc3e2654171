import type { Logger } from '@aico/shared/core/logging';
import type { GatewayApp } from '../core/gateway.ts';
import type { HealthCheckResult } from '../core/health/types.ts';
import { BasePlugin, type PluginMetadata, PluginPriority } from '../core/plugin-base.ts';
import type { ServiceContainer } from '../core/service-container.ts';
import { DeviceRegistry } from '../devices/device-registry.ts';
import { declareDeviceRoutes } from '../devices/device-routes.ts';
import { devicesSection, Roles } from '../devices/roles.ts';
import { channelSection } from './channel-config.ts';
import { EncryptionMiddleware } from './encryption-middleware.ts';

/**
 * Opens sealed channels on the public port, and serves `/api/v1/devices`: who is paired, with what rights, and pairing
 * codes. Depends on `'config'`, `'key_manager'`, `'database'` and `'gateway'`.
 */
export class ChannelService extends BasePlugin {
  #middleware: EncryptionMiddleware | undefined;
  readonly #audit: Logger;

  constructor(name: string, container: ServiceContainer, audit: Logger) {
    super(name, container);
    this.#audit = audit;
  }

  get metadata(): PluginMetadata {
    return {
      name: 'Sealed channel',
      version: '1.0.0',
      description: 'Lets paired devices in from other machines',
      priority: PluginPriority.SECURITY,
    };
  }

  override async start(): Promise<void> {
    const config = this.requireService('config');
    const gateway = this.requireService('gateway');
    const { roles, default_role } = config.section(devicesSection);
    const devices = new DeviceRegistry({
      database: this.requireService('database'),
      roles: new Roles(roles),
      audit: this.#audit,
    });
    await devices.start();
    const middleware = new EncryptionMiddleware(gateway, this.requireService('key_manager'), {
      devices,
      config: config.section(channelSection),
      logger: this.#audit,
      guard: gateway.guard,
    });
    this.#middleware = middleware;
    const stopOpening = gateway.openChannels((...asked) => middleware.upgrade(...asked));
    this.onStop(stopOpening);
    this.onStop(devices.onRolesChanged((id) => gateway.rightsChanged(id)));
    await this.addRoutes(
      (app: GatewayApp) => declareDeviceRoutes(app, { devices, middleware, defaultRole: default_role }),
      { place: 'devices' },
    );
  }

  override async stop(deadline: AbortSignal): Promise<void> {
    await this.#middleware?.close(deadline);
  }

  override healthCheck(): HealthCheckResult {
    return { status: 'healthy', data: { channels: this.#middleware?.size ?? 0 } };
  }
}
