import { BasePlugin, type HealthCheckResult, type PluginMetadata, PluginPriority } from '@aico/backend';
import { inboxConfig } from './config.ts';
import { Importer } from './importer.ts';
import { MailStore } from './mail-store.ts';
import { MailReader } from './parsing/mail-reader.ts';
import { declareRoutes } from './routes.ts';

declare module '@aico/backend' {
  interface Services {
    inbox: InboxPlugin;
  }
}

/** Imports real mail, keeps it searchable in the encrypted database, and announces what came. */
export class InboxPlugin extends BasePlugin {
  #store: MailStore | undefined;

  get metadata(): PluginMetadata {
    return {
      name: 'Inbox',
      version: '0.1.0',
      description: 'Imports mail and searches it',
      priority: PluginPriority.BUSINESS,
    };
  }

  override async start(): Promise<void> {
    const config = this.requireService('config').registerSection({
      path: 'plugins.inbox',
      schema: inboxConfig,
    });
    const maxBytes = config.max_message_mib * 1_048_576;
    const store = new MailStore(this.requireService('database'));
    await store.prepare();
    this.#store = store;
    const reader = new MailReader({ timeoutMs: config.parse_timeout_s * 1_000 });
    this.onStop(() => reader[Symbol.asyncDispose]());
    const importer = new Importer({
      store,
      bus: this.requireService('message_bus'),
      reader,
      maxBytes,
      logger: this.logger,
    });
    await this.addRoutes((app) => declareRoutes(app, store, importer, maxBytes));
    this.runInBackground('marking of older messages', async (signal) => {
      while (!signal.aborted && (await store.markOlder()));
    });
    this.logger.info('Inbox is open', await store.count());
  }

  /** Healthy when the newest message is found through the search index. */
  override async healthCheck(): Promise<HealthCheckResult> {
    if (this.#store === undefined) return { status: 'unhealthy', detail: 'It has not started' };
    if (await this.#store.isIndexed()) return { status: 'healthy', data: await this.#store.count() };
    return { status: 'unhealthy', detail: 'The search index does not have the newest message' };
  }
}
