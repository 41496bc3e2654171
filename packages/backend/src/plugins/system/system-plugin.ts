import type { ConfigurationManager } from '@aico/shared/core/config';
import type { Gateway, GatewayApp, OpenApiDocument } from '../../core/gateway.ts';
import type { HealthRegistry } from '../../core/health/types.ts';
import { PluginPriority } from '../../core/plugin/plugin-base.ts';
import type { PluginCatalog } from '../../core/plugin/plugin-catalog.ts';
import { definePlugin, type PluginDefinition } from '../../core/plugin/plugin-definition.ts';
import { contentOf } from '../../core/reply-schemas.ts';
import { OPENAPI_PAGE, PAGE_POLICY } from '../../gateway/index.ts';
import { declarePlugins } from './plugin-routes.ts';
import { ConfigReply, HealthReply, OpenApiReply, StatusReply, StopReply } from './system-replies.ts';
import type { SystemView } from './system-view.ts';

/** `/api/v1/system`, `/api/v1/health` and `/api/v1/openapi`: the state of the backend, its API description, and its stop. */
export function systemPlugin(view: SystemView): PluginDefinition {
  return definePlugin({
    name: 'system',
    version: '1.0.0',
    description: 'Status, health, configuration and stop, over the API',
    dependencies: ['gateway', 'plugins'],
    priority: PluginPriority.INFRASTRUCTURE,
    capabilities: {
      'system:read': 'See status, plugins and health',
      'system:configure': 'See the configuration',
      'system:stop': 'Stop the backend',
      'root:plugins:change': 'Run other code: reload, enable and disable plugins',
    },
    async start(plugin) {
      const plugins = plugin.requireService('plugins');
      const health = plugin.requireService('health');
      const gateway = plugin.requireService('gateway');
      const config = plugin.requireService('config');
      await plugin.addRoutes((app) => declareSystem(app, view, config));
      await plugin.addRoutes((app) => declarePlugins(app, view.plugins), { place: 'plugins' });
      plugin.onHealthCheck(() => view.plugins.health());
      await plugin.addRoutes((app) => declareHealth(app, health), { place: 'health' });
      await plugin.addRoutes((app) => declareOpenApi(app, view, gateway, plugins), { place: 'openapi' });
    },
  });
}

function declareHealth(app: GatewayApp, health: HealthRegistry): void {
  app.get(
    '/',
    { config: { access: 'system:read' }, schema: { response: { 200: HealthReply, 503: HealthReply } } },
    async (_request, reply) => {
      const report = await health.report();
      return reply.code(report.status === 'unhealthy' ? 503 : 200).send(report);
    },
  );
}

function declareOpenApi(app: GatewayApp, view: SystemView, gateway: Gateway, plugins: PluginCatalog): void {
  app.get('/', { config: { access: 'public' }, schema: { response: { 200: OpenApiReply } } }, async () =>
    described(await gateway.openApi(view.version), plugins),
  );
  if (view.environment !== 'development') return;
  app.get(
    '/page',
    {
      config: { access: 'public' },
      schema: { response: contentOf('text/html', 'A page to look at it.') },
    },
    async (_request, reply) =>
      reply
        .type('text/html; charset=utf-8')
        .header('content-security-policy', PAGE_POLICY)
        .send(OPENAPI_PAGE),
  );
}

function declareSystem(app: GatewayApp, view: SystemView, config: ConfigurationManager): void {
  app.get('/status', { config: { access: 'system:read' }, schema: { response: { 200: StatusReply } } }, () =>
    view.status(),
  );
  app.get(
    '/config',
    { config: { access: 'system:configure' }, schema: { response: { 200: ConfigReply } } },
    () => ({
      entries: config.entries(),
    }),
  );
  app.post(
    '/stop',
    { config: { access: 'system:stop' }, schema: { response: { 202: StopReply } } },
    async (_request, reply) => {
      // Answered first, since the stop closes the connection of the answer.
      reply.raw.once('close', () => view.stop());
      return reply.code(202).send({ status: 'stopping' });
    },
  );
}

/** The document with the description of each plugin at the tag of its routes. */
function described(document: OpenApiDocument, plugins: PluginCatalog): OpenApiDocument {
  const descriptions = new Map(plugins.all.map(({ name, description }) => [name, description]));
  return {
    ...document,
    tags: document.tags.map(({ name }) => {
      const description = descriptions.get(name);
      return description === undefined ? { name } : { name, description };
    }),
  };
}
