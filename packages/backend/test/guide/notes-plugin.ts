import { defineError, definePlugin, defineTopic, Type } from '@aico/backend/plugin';
import type { WebSocket } from 'ws';

const noteAdded = defineTopic('notes.added', Type.Object({ id: Type.Integer(), text: Type.String() }));

/** Answered as a problem with this status, code and hint. */
class NoteUnknownError extends defineError({
  code: 'NOTES_UNKNOWN',
  status: 404,
  hint: 'GET /api/v1/notes/words lists the notes there are.',
  make: (id: number) => ({ message: `there is no note ${id}` }),
}) {}

const DAY_MS = 86_400_000;
const READ = { access: 'notes:read' } as const;
const WRITE = { access: 'notes:write', idempotent: true } as const;

export const plugin = definePlugin({
  name: 'notes',
  version: '1.0.0',
  description: 'Keeps notes and counts their words',
  dependencies: ['gateway', 'database', 'message_bus', 'idempotency'],
  // Each runs once, in a transaction, in this order. A migration that has run somewhere never changes: add another one.
  migrations: [
    { id: '001_notes', sql: 'CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)' },
    { id: '002_words', sql: 'CREATE TABLE notes_words (note INTEGER PRIMARY KEY, words INTEGER NOT NULL)' },
    { id: '003_added', sql: 'ALTER TABLE notes ADD COLUMN added_ms INTEGER NOT NULL DEFAULT 0' },
  ],
  topics: [noteAdded],
  capabilities: { 'notes:read': 'Read notes', 'notes:write': 'Add notes' },
  config: Type.Object({
    longest: Type.Integer({ default: 10_000, minimum: 1, description: 'The most characters of a note.' }),
    keep_days: Type.Integer({ default: 365, minimum: 1, description: 'Older notes are deleted.' }),
  }),
  async start(plugin) {
    const database = plugin.requireService('database');
    const bus = plugin.requireService('message_bus');
    const idempotency = plugin.requireService('idempotency');
    const watching = new Set<WebSocket>();
    plugin.onStop(() => {
      for (const socket of watching) socket.close();
    });

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

    plugin.every('retention', DAY_MS, async () => {
      const oldest = plugin.clock.now() - plugin.config.keep_days * DAY_MS;
      await database.execute('DELETE FROM notes WHERE added_ms < ?', [oldest]);
    });

    await plugin.addRoutes((app) => {
      const text = Type.String({ minLength: 1, maxLength: plugin.config.longest });
      const schema = { body: Type.Object({ text }) };
      app.post('/', { config: WRITE, schema }, async (request) =>
        // The note, the message about it and the reply to a repeated request are stored together, or none of them is.
        idempotency.run(request, async (tx) => {
          const insert = 'INSERT INTO notes (text, added_ms) VALUES (?, ?)';
          const { lastRowId } = await tx.execute(insert, [request.body.text, plugin.clock.now()]);
          const id = Number(lastRowId);
          await bus.publish(noteAdded, { id, text: request.body.text }, { durable: true, tx });
          return { id };
        }),
      );
      const params = Type.Object({ id: Type.Integer() });
      app.get('/:id', { config: READ, schema: { params } }, async ({ params: { id } }) => {
        const note = (await database.execute('SELECT id, text FROM notes WHERE id = ?', [id])).fetchOne();
        if (note === undefined) throw new NoteUnknownError(id);
        return note;
      });
      app.get('/words', { config: READ }, async () => {
        const { rows } = await database.execute('SELECT note, words FROM notes_words ORDER BY note');
        return { rows };
      });
      app.get('/live', { config: { ...READ, webSocket: true } }, async (request, reply) => {
        const socket = await request.acceptWebSocket(reply);
        watching.add(socket);
        socket.on('close', () => watching.delete(socket));
      });
    });
  },
});
