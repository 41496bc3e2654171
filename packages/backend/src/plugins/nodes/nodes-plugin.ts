import { hostname } from 'node:os';
import type { AuditRecorder } from '@aico/shared/data/audit';
import { Leases } from '@aico/shared/data/leases';
import { NodeKey } from '@aico/shared/security';
import type { ServiceContainer } from '../../core/container/service-container.ts';
import type { GatewayApp } from '../../core/gateway.ts';
import type { HealthCheckResult } from '../../core/health/types.ts';
import { BasePlugin, PluginPriority } from '../../core/plugin/plugin-base.ts';
import { definePlugin, type PluginDefinition } from '../../core/plugin/plugin-definition.ts';
import type { NodeLeases } from '../../core/services.ts';
import { Membership } from '../../nodes/membership.ts';
import { NodeRegistry } from '../../nodes/node-registry.ts';
import { VERSION } from '../../version.ts';
import { declareNodeRoutes, type SharedHome } from './node-routes.ts';

interface NodesOptions {
  readonly audit: AuditRecorder;
  /**
   * The configuration by which a joining node reaches the shared database, by dotted key; `undefined` if the database is embedded.
   */
  readonly sharedSettings: () => Readonly<Record<string, string>> | undefined;
  /** Stops the backend. */
  readonly stop: (reason: string) => void;
}

/** A removed node, and a device that was revoked on another node, lose their rights within a second. */
const CHECK_MS = 500;

/**
 * `/api/v1/nodes`: the nodes of the home, invitations, and the joining and removal of nodes. With an embedded database the home has
 * one node, and nothing runs.
 */
class NodesPlugin extends BasePlugin implements NodeLeases {
  readonly #options: NodesOptions;
  #leases: Leases | undefined;
  #membership: Membership | undefined;

  constructor(name: string, container: ServiceContainer, options: NodesOptions) {
    super(name, container);
    this.#options = options;
  }

  get leases(): Leases | undefined {
    return this.#leases;
  }

  override async start(): Promise<void> {
    const { audit, sharedSettings } = this.#options;
    const keyManager = this.requireService('key_manager');
    const settings = sharedSettings();
    const shared = settings && { ...(await this.#enter()), settings };
    const { devices, pairing } = this.requireService('channel');
    await this.addRoutes((app: GatewayApp) =>
      declareNodeRoutes(app, { shared, devices, pairing, keyManager, audit }),
    );
  }

  override healthCheck(): HealthCheckResult {
    return this.#membership?.health() ?? { status: 'healthy' };
  }

  /** Makes this backend a node that the others see. */
  async #enter(): Promise<Pick<SharedHome, 'registry' | 'membership'>> {
    const { audit, stop } = this.#options;
    const database = this.requireService('database');
    const { nodeKeyFile } = this.requireService('paths');
    const { id, publicKey } = (await NodeKey.read(nodeKeyFile)) ?? (await NodeKey.create(nodeKeyFile));
    const registry = new NodeRegistry({ database, audit });
    const home = this.requireService('key_manager').deriveKey('nodes/home', 8);
    await registry.start(Buffer.from(home).toString('hex'));
    const leases = new Leases({ database, node: id, logger: this.logger });
    await leases.start();
    const membership = new Membership({
      registry,
      leases,
      self: { id, publicKey, name: hostname(), version: VERSION },
      onRemoved: () => stop('this node was removed from the home'),
      logger: this.logger,
    });
    this.onStop(() => leases.close());
    this.onStop(() => membership.stop());
    await membership.start();
    this.every('removal', CHECK_MS, () => membership.check());
    const { devices } = this.requireService('channel');
    this.every('devices', CHECK_MS, () => devices.refresh());
    this.#leases = leases;
    this.#membership = membership;
    return { registry, membership };
  }
}

export function nodesPlugin(options: NodesOptions): PluginDefinition {
  return definePlugin({
    name: 'nodes',
    version: '1.0.0',
    description: 'The nodes of the home, which share its database',
    // The bus may make the node key.
    dependencies: ['database', 'audit', 'gateway', 'channel', 'key_manager', 'paths', 'bus_nodes'],
    priority: PluginPriority.SECURITY,
    capabilities: {
      'nodes:read': 'See the nodes of the home',
      'root:nodes:manage': 'Invite nodes, which get the root key of the home, and remove them',
      'root:nodes:join': 'Become a node: for a machine that was invited',
    },
    create: (name, container) => new NodesPlugin(name, container, options),
  });
}
