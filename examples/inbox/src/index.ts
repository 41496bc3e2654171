import { definePlugin, Type } from '@aico/backend/plugin';
import { filters } from './filters.ts';
import { Importer } from './importer.ts';
import { MailStore } from './mail-store.ts';
import { MailReader } from './parsing/mail-reader.ts';
import { declareRoutes } from './routes.ts';
import { MIGRATIONS } from './schema.ts';
import { messageImported } from './topics.ts';

export { filters, type MailFilter, type Verdict } from './filters.ts';
export type { ParsedMail } from './parsing/mail-parser.ts';
export { unmarked } from './search-marks.ts';
export { messageImported } from './topics.ts';

/** Imports real mail, keeps it searchable in the encrypted database, and announces what was imported. */
export const plugin = definePlugin({
  name: 'inbox',
  version: '0.1.0',
  description: 'Imports mail and searches it',
  dependencies: ['database', 'message_bus', 'gateway'],
  config: Type.Object({
    max_message_mib: Type.Integer({
      default: 25,
      minimum: 1,
      maximum: 250,
      description: 'Messages larger than this are refused.',
    }),
    parse_timeout_s: Type.Integer({
      default: 60,
      minimum: 1,
      maximum: 3_600,
      description: 'Messages that take longer than this to read are refused.',
    }),
  }),
  migrations: MIGRATIONS,
  topics: [messageImported],
  offers: [filters],
  capabilities: {
    'inbox:read': 'Read and search messages',
    'inbox:import': 'Import messages',
  },
  async start(plugin) {
    const { max_message_mib, parse_timeout_s } = plugin.config;
    const maxBytes = max_message_mib * 1_048_576;
    const store = new MailStore(plugin.requireService('database'));
    const reader = new MailReader({ timeoutMs: parse_timeout_s * 1_000 });
    plugin.onStop(() => reader[Symbol.asyncDispose]());
    const bus = plugin.requireService('message_bus');
    const importer = new Importer({
      store,
      bus,
      reader,
      maxBytes,
      filters: plugin.extensions(filters),
      logger: plugin.logger,
    });
    await plugin.addRoutes((app) => declareRoutes(app, store, importer, maxBytes));
    plugin.runInBackground('marking of older messages', async (signal) => {
      while (!signal.aborted && (await store.markOlder()));
    });
    plugin.onHealthCheck(async () =>
      (await store.isIndexed())
        ? { status: 'healthy', data: await store.count() }
        : { status: 'unhealthy', detail: 'The search index does not have the newest message' },
    );
    plugin.logger.info('Inbox is open', await store.count());
  },
});
