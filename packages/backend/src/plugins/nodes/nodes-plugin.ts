import { hostname } from 'node:os';
import type { AuditRecorder } from '@aico/shared/data/audit';
import { Leases } from '@aico/shared/data/leases';
import { NodeKey } from '@aico/shared/security';
import { PluginPriority } from '../../core/plugin/plugin-base.ts';
import { definePlugin, type PluginDefinition } from '../../core/plugin/plugin-definition.ts';
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

/** A removal takes effect on the removed node within a second. */
const CHECK_MS = 500;

/**
 * `/api/v1/nodes`: the nodes of the home, invitations, and the joining and removal of nodes. With an embedded database the home has
 * one node, and nothing runs.
 */
export function nodesPlugin({ audit, sharedSettings, stop }: NodesOptions): PluginDefinition {
  return definePlugin({
    name: 'nodes',
    version: '1.0.0',
    description: 'The nodes of the home, which share its database',
    dependencies: ['database', 'audit', 'gateway', 'channel', 'key_manager', 'paths'],
    priority: PluginPriority.SECURITY,
    capabilities: {
      'nodes:read': 'See the nodes of the home',
      'root:nodes:manage': 'Invite nodes, which get the root key of the home, and remove them',
      'root:nodes:join': 'Become a node: for a machine that was invited',
    },
    async start(plugin) {
      const keyManager = plugin.requireService('key_manager');
      const settings = sharedSettings();
      let shared: SharedHome | undefined;
      if (settings !== undefined) {
        const database = plugin.requireService('database');
        const { nodeKeyFile } = plugin.requireService('paths');
        const { id, publicKey } = (await NodeKey.read(nodeKeyFile)) ?? (await NodeKey.create(nodeKeyFile));
        const registry = new NodeRegistry({ database, audit });
        await registry.start(Buffer.from(keyManager.deriveKey('nodes/home', 8)).toString('hex'));
        const leases = new Leases({ database, node: id, logger: plugin.logger });
        await leases.start();
        const membership = new Membership({
          registry,
          leases,
          self: { id, publicKey, name: hostname(), version: VERSION },
          onRemoved: () => stop('this node was removed from the home'),
          logger: plugin.logger,
        });
        plugin.onStop(() => leases.close());
        plugin.onStop(() => membership.stop());
        await membership.start();
        plugin.every('removal', CHECK_MS, () => membership.check());
        plugin.onHealthCheck(() => membership.health());
        shared = { registry, membership, settings };
      }
      const { devices, pairing } = plugin.requireService('channel');
      await plugin.addRoutes((app) =>
        declareNodeRoutes(app, { shared, devices, pairing, keyManager, audit }),
      );
    },
  });
}
