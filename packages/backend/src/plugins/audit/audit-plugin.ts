import { type ConfigurationManager, Secret } from '@aico/shared/core/config';
import { type AuditRecorder, AuditTrail } from '@aico/shared/data/audit';
import { wipe } from '@aico/shared/security';
import { PluginPriority } from '../../core/plugin/plugin-base.ts';
import { definePlugin, type PluginDefinition } from '../../core/plugin/plugin-definition.ts';
import { declareAuditRoutes } from './audit-routes.ts';

const REFRESH_EVERY_MS = 60_000;

/**
 * The audit trail and `/api/v1/audit`. While it runs, `recorder` writes to the trail. Plugins are not given the recorder, so that
 * none can record an event that did not happen.
 */
export function auditPlugin(recorder: AuditRecorder): PluginDefinition {
  return definePlugin({
    name: 'audit',
    version: '1.0.0',
    description: 'Keeps a trail of security-relevant events and shows whether it was changed',
    dependencies: ['database', 'key_manager', 'gateway'],
    priority: PluginPriority.SECURITY,
    capabilities: { 'root:audit:read': 'Read and check the trail of security-relevant events' },
    async start(plugin) {
      const database = plugin.requireService('database');
      const config = plugin.requireService('config');
      const key = plugin.requireService('key_manager').deriveKey('audit');
      const trail = await AuditTrail.open({ database, key, now: () => plugin.clock.now() }).finally(() =>
        wipe(key),
      );
      plugin.onStop(async () => trail.close());
      recorder.use(trail);
      plugin.onStop(async () => recorder.use(undefined));
      const takeOver = async (): Promise<void> => {
        await recorder.flush();
        // A database that is full can still be read.
        await trail.recordConfig(valuesOf(config)).catch((error: unknown) => {
          plugin.logger.error('A change of the configuration was not recorded', { error });
        });
      };
      plugin.onHealthCheck(() =>
        recorder.unwritten === 0
          ? { status: 'healthy' }
          : { status: 'degraded', detail: `${recorder.unwritten} events could not be written yet` },
      );
      await plugin.addRoutes((app) => declareAuditRoutes(app, trail, takeOver));
      // Commands append to the file of pending events, and a change of a plugin reads the configuration again.
      plugin.every('events', REFRESH_EVERY_MS, takeOver, { firstAfterMs: 0 });
    },
  });
}

/** The values that are not defaults: those change with the version. */
function valuesOf(config: ConfigurationManager): ReadonlyMap<string, string> {
  return new Map(
    config
      .entries()
      .filter(({ origin }) => origin.layer !== 'default')
      .map(({ key }) => [key, textOf(config.get(key))]),
  );
}

/** JSON with secrets as they are, also within lists; a value that is empty in a file is `null` or missing. */
function textOf(value: unknown): string {
  return JSON.stringify({ value }, function (this: Record<string, unknown>, name, shown) {
    const held = this[name];
    return held instanceof Secret ? held.reveal() : shown;
  });
}
