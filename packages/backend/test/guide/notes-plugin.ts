import { definePlugin, defineTopic, Type } from '@aico/backend/plugin';
import type { WebSocket } from 'ws';

const noteAdded = defineTopic('notes.added', Type.Object({ id: Type.Integer(), text: Type.String() }));

export const plugin = definePlugin({
  name: 'notes',
  version: '1.0.0',
  description: 'Keeps notes and counts their words',
  dependencies: ['gateway', 'database', 'message_bus'],
  // Each runs once, in a transaction, in this order. A migration that has run somewhere never changes: add another one.
  migrations: [
    { id: '001_notes', sql: 'CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)' },
    { id: '002_words', sql: 'CREATE TABLE notes_words (note INTEGER PRIMARY KEY, words INTEGER NOT NULL)' },
  ],
  topics: [noteAdded],
  capabilities: { 'notes:read': 'Read notes', 'notes:write': 'Add notes' },
  config: Type.Object({
    longest: Type.Integer({
      default: 10_000,
      minimum: 1,
      description: 'The most characters a note may have.',
    }),
  }),
  async start(plugin) {
    const database = plugin.requireService('database');
    const bus = plugin.requireService('message_bus');
    const watching = new Set<WebSocket>();

    // The effect and the acknowledgement are one transaction, so each note is counted once. A handler that throws is
    // called again after a growing wait; after 8 attempts the message is a dead letter (`aico bus dead-letters`).
    await plugin.consume(noteAdded, 'notes-counter', async (_topic, { id, text }, { ack }) => {
      await database.transaction(async (tx) => {
        const words = text.split(/\s+/).length;
        await tx.execute('INSERT INTO notes_words (note, words) VALUES (?, ?)', [id, words]);
        await ack(tx);
      });
      for (const socket of watching) socket.send(JSON.stringify({ counted: id }));
    });

    await plugin.addRoutes((app) => {
      const text = Type.String({ minLength: 1, maxLength: plugin.config.longest });
      const schema = { body: Type.Object({ text }) };
      app.post('/', { config: { access: 'notes:write' }, schema }, async ({ body }) =>
        // The note and the message about it are stored together, or neither is.
        database.transaction(async (tx) => {
          const { lastRowId } = await tx.execute('INSERT INTO notes (text) VALUES (?)', [body.text]);
          const id = Number(lastRowId);
          await bus.publish(noteAdded, { id, text: body.text }, { durable: true, tx });
          return { id };
        }),
      );
      app.get('/words', { config: { access: 'notes:read' } }, async () => {
        const { rows } = await database.execute('SELECT note, words FROM notes_words ORDER BY note');
        return { rows };
      });
      app.get('/live', { config: { access: 'notes:read', webSocket: true } }, async (request, reply) => {
        const socket = await request.acceptWebSocket(reply);
        watching.add(socket);
        socket.on('close', () => watching.delete(socket));
      });
    });
  },
});
