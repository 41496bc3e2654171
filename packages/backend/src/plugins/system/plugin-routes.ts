import { Type } from 'typebox';
import type { GatewayApp } from '../../core/gateway.ts';
import { requestOf } from '../../core/request-schemas.ts';
import { PluginReply, PluginsReply } from './system-replies.ts';
import type { PluginControl } from './system-view.ts';

const READ = { access: 'system:read' } as const;
const CHANGE = { access: 'root:plugins:change' } as const;

/** `/api/v1/plugins` */
export function declarePlugins(app: GatewayApp, plugins: PluginControl): void {
  const params = Type.Object({ name: Type.String({ maxLength: 200 }) });
  const response = { 200: PluginReply };
  app.get('/', { config: READ, schema: { response: { 200: PluginsReply } } }, async () => ({
    plugins: await plugins.views(),
  }));
  app.get('/:name', { config: READ, schema: { params, response } }, ({ params: { name } }) =>
    plugins.view(name),
  );
  app.post('/:name/reload', { config: CHANGE, schema: { params, response } }, ({ params: { name } }) =>
    plugins.reload(name),
  );
  app.post('/:name/enable', { config: CHANGE, schema: { params, response } }, ({ params: { name } }) =>
    plugins.enable(name),
  );
  const querystring = requestOf({
    dependents: Type.Boolean({ default: false, description: 'Disables the plugins that need it, too.' }),
  });
  app.post(
    '/:name/disable',
    { config: CHANGE, schema: { params, querystring, response } },
    ({ params: { name }, query: { dependents } }) => plugins.disable(name, { withDependents: dependents }),
  );
}
