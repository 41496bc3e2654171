import type { GatewayApp } from '../../core/gateway.ts';
import { BasePlugin, type PluginMetadata, PluginPriority } from '../../core/plugin-base.ts';
import { contentOf } from '../../core/reply-schemas.ts';
import { OPENAPI_PAGE, PAGE_POLICY } from '../../gateway/index.ts';
import {
  ConfigReply,
  HealthReply,
  OpenApiReply,
  PluginsReply,
  StatusReply,
  StopReply,
} from './system-replies.ts';
import type { SystemView } from './system-view.ts';

/** `/api/v1/system`, `/api/v1/health` and `/api/v1/openapi`: what runs here, how it is, and how to use and stop it. */
export class SystemPlugin extends BasePlugin {
  readonly #view: SystemView;

  constructor(name: string, container: ConstructorParameters<typeof BasePlugin>[1], view: SystemView) {
    super(name, container);
    this.#view = view;
  }

  get metadata(): PluginMetadata {
    return {
      name: 'System',
      version: '1.0.0',
      description: 'Status, health, configuration and stop, over the API',
      priority: PluginPriority.INFRASTRUCTURE,
    };
  }

  override async start(): Promise<void> {
    await this.addRoutes((app) => this.#declare(app));
    const health = this.requireService('health');
    await this.addRoutes(
      (app) => {
        app.get(
          '/',
          { config: { access: 'system:read' }, schema: { response: { 200: HealthReply, 503: HealthReply } } },
          async (_request, reply) => {
            const report = await health.report();
            return reply.code(report.status === 'unhealthy' ? 503 : 200).send(report);
          },
        );
      },
      { place: 'health' },
    );
    const gateway = this.requireService('gateway');
    await this.addRoutes(
      (app) => {
        app.get('/', { config: { access: 'public' }, schema: { response: { 200: OpenApiReply } } }, () =>
          gateway.openApi(this.#view.status().version),
        );
        if (this.#view.status().environment !== 'development') return;
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
      },
      { place: 'openapi' },
    );
  }

  #declare(app: GatewayApp): void {
    app.get(
      '/status',
      { config: { access: 'system:read' }, schema: { response: { 200: StatusReply } } },
      () => this.#view.status(),
    );
    app.get(
      '/plugins',
      { config: { access: 'system:read' }, schema: { response: { 200: PluginsReply } } },
      () => ({ plugins: this.#view.plugins() }),
    );
    app.get(
      '/config',
      { config: { access: 'system:configure' }, schema: { response: { 200: ConfigReply } } },
      () => ({
        entries: this.requireService('config').entries(),
      }),
    );
    app.post(
      '/stop',
      { config: { access: 'system:stop' }, schema: { response: { 202: StopReply } } },
      async (_request, reply) => {
        // Answered first: the stop closes the very connection the answer travels on.
        reply.raw.once('close', () => this.#view.stop());
        return reply.code(202).send({ status: 'stopping' });
      },
    );
  }
}
