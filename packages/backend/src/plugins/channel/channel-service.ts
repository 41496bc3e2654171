import { sealFor } from '@aico/shared/data';
import type { AuditRecorder } from '@aico/shared/data/audit';
import { channelSection } from '../../channel/channel-config.ts';
import { EncryptionMiddleware } from '../../channel/encryption-middleware.ts';
import type { ServiceContainer } from '../../core/container/service-container.ts';
import type { GatewayApp } from '../../core/gateway.ts';
import type { HealthCheckResult } from '../../core/health/types.ts';
import { BasePlugin, PluginPriority } from '../../core/plugin/plugin-base.ts';
import { definePlugin, type PluginDefinition } from '../../core/plugin/plugin-definition.ts';
import { DeviceRegistry } from '../../devices/device-registry.ts';
import { declareDeviceRoutes, type Pairing } from '../../devices/device-routes.ts';
import { devicesSection, NODE_JOIN, NODE_ROLE, Roles } from '../../devices/roles.ts';

/**
 * Opens sealed channels on the public port, and serves `/api/v1/devices`: the paired devices, their roles, and pairing
 * codes.
 */
export class ChannelService extends BasePlugin {
  readonly #audit: AuditRecorder;
  #middleware: EncryptionMiddleware | undefined;
  #devices: DeviceRegistry | undefined;

  constructor(name: string, container: ServiceContainer, audit: AuditRecorder) {
    super(name, container);
    this.#audit = audit;
  }

  /** The paired devices. */
  get devices(): DeviceRegistry {
    return running(this.#devices);
  }

  /** Issues the codes by which devices and nodes open their first channel. */
  get pairing(): Pairing {
    return running(this.#middleware);
  }

  override async start(): Promise<void> {
    const config = this.requireService('config');
    const logger = this.requireService('logging').getLogger('security', 'audit');
    const gateway = this.requireService('gateway');
    const { roles, default_role } = config.section(devicesSection);
    const devices = new DeviceRegistry({
      database: this.requireService('database'),
      seal: sealFor(this.requireService('database'), this.requireService('key_manager')),
      roles: new Roles({ ...roles, [NODE_ROLE]: [NODE_JOIN] }),
      logger,
      audit: this.#audit,
    });
    await devices.start();
    this.#devices = devices;
    const middleware = new EncryptionMiddleware(gateway, this.requireService('key_manager'), {
      devices,
      config: config.section(channelSection),
      logger,
      guard: gateway.guard,
      onPairingRefused: (source) =>
        this.#audit.record({ action: 'device.paired', outcome: 'failed', actor: `stranger:${source}` }),
    });
    this.#middleware = middleware;
    const stopOpening = gateway.openChannels((...asked) => middleware.upgrade(...asked));
    this.onStop(stopOpening);
    this.onStop(devices.onRolesChanged((id) => gateway.rightsChanged(id)));
    await this.addRoutes(
      (app: GatewayApp) =>
        declareDeviceRoutes(app, { devices, middleware, defaultRole: default_role, audit: this.#audit }),
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

function running<T>(part: T | undefined): T {
  if (part === undefined) throw new TypeError('the channel has not started');
  return part;
}

/** @param audit records pairings and changes of devices */
export function channelPlugin(audit: AuditRecorder): PluginDefinition {
  return definePlugin({
    name: 'channel',
    version: '1.0.0',
    description: 'Lets paired devices in from other machines',
    dependencies: ['key_manager', 'database', 'audit', 'gateway'],
    priority: PluginPriority.SECURITY,
    capabilities: {
      'devices:read': 'See the paired devices',
      'devices:manage': 'Pair devices, change their roles, revoke them',
    },
    create: (name, container) => new ChannelService(name, container, audit),
  });
}
