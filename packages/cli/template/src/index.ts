import { definePlugin, Type } from '@aico/backend/plugin';
import { Notes } from './notes.ts';
import { declareRoutes } from './routes.ts';
import { MIGRATIONS } from './schema.ts';
import { noteAdded } from './topics.ts';

/** Keeps notes, and counts the words of each. */
export const plugin = definePlugin({
  name: 'sample-plugin',
  dependencies: ['database', 'gateway', 'idempotency', 'message_bus'],
  config: Type.Object({
    longest: Type.Integer({ default: 10_000, minimum: 1, description: 'The most characters of a note.' }),
  }),
  migrations: MIGRATIONS,
  topics: [noteAdded],
  capabilities: {
    'sample-plugin:read': 'Read notes',
    'sample-plugin:write': 'Add notes',
  },
  async start(plugin) {
    const notes = new Notes(plugin.requireService('database'), plugin.requireService('message_bus'));
    const idempotency = plugin.requireService('idempotency');

    // Each message is delivered until it is acknowledged, also after the process was killed.
    const consumer = 'sample-plugin-word-counter';
    await plugin.consume(noteAdded, consumer, (_topic, note, delivery) => notes.count(note, delivery));
    plugin.onHealthCheck(() => notes.health());
    const { longest } = plugin.config;
    await plugin.addRoutes((app) => declareRoutes(app, { notes, idempotency, longest }));
  },
});
