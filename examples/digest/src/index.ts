import { definePlugin, listOf, Type } from '@aico/backend/plugin';
import { filters, messageImported } from '@aico/example-inbox';
import { bulkFilter } from './bulk-filter.ts';
import { Digest, DigestStore } from './digest-store.ts';
import { localTime } from './local-time.ts';
import { MIGRATIONS } from './schema.ts';
import { digestReady } from './topics.ts';

export { digestReady } from './topics.ts';

/** The interval of checks for a due digest. It is short, so that a digest is made soon after the machine wakes from sleep. */
const LOOK_EVERY_MS = 60_000;

/** Lists once a day the mail that was imported, without the newsletters. */
export const plugin = definePlugin({
  name: 'digest',
  version: '0.1.0',
  description: 'Lists once a day the mail that was imported',
  dependencies: ['database', 'message_bus', 'gateway'],
  tables: { reads: ['inbox'] },
  fills: [filters],
  migrations: MIGRATIONS,
  topics: [digestReady],
  capabilities: { 'digest:read': 'Read the daily digests' },
  config: Type.Object({
    hour: Type.Integer({
      default: 7,
      minimum: 0,
      maximum: 23,
      description: 'The digest is made after this hour.',
    }),
    zone: Type.String({ default: 'UTC', description: 'The time zone of the hour, as Europe/Berlin.' }),
    bulk_senders: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description: 'Parts of the addresses whose mail is counted and not listed.',
    }),
  }),
  async start(plugin) {
    // An unknown zone fails the start here, and not every minute.
    localTime(plugin.clock.now(), plugin.config.zone);
    const store = new DigestStore(plugin.requireService('database'), plugin.requireService('message_bus'));
    const database = plugin.requireService('database');

    plugin.fill(
      filters,
      bulkFilter(() => plugin.config.bulk_senders),
    );

    await plugin.consume(messageImported, 'digest', async (_topic, { id }, { ack }) => {
      await database.transaction(async (tx) => {
        await store.note(id, tx);
        await ack(tx);
      });
    });

    plugin.every('digest', LOOK_EVERY_MS, async () => {
      const now = plugin.clock.now();
      const { day, hour } = localTime(now, plugin.config.zone);
      if (hour >= plugin.config.hour && (await store.make(day, now)))
        plugin.logger.info('Digest is ready', { day });
    });

    await plugin.addRoutes((app) => {
      const querystring = Type.Object({ limit: Type.Integer({ minimum: 1, maximum: 100, default: 7 }) });
      const response = { 200: Type.Object({ digests: listOf(Digest) }) };
      app.get(
        '/',
        { config: { access: 'digest:read' }, schema: { querystring, response } },
        async ({ query }) => ({ digests: await store.list(query.limit) }),
      );
    });
  },
});
