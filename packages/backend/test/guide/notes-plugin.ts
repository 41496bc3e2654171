import { BasePlugin, definePlugin, type PluginMetadata, PluginPriority } from '@aico/backend';
import { defineTopic } from '@aico/shared/core/bus';
import type { Migration } from '@aico/shared/data';
import { Type } from 'typebox';
import type { WebSocket } from 'ws';

const noteAdded = defineTopic('notes.added', Type.Object({ id: Type.Integer(), text: Type.String() }));

/** Each runs once, in a transaction, in this order. What has run somewhere stays as it is: a change is another migration. */
const MIGRATIONS: readonly Migration[] = [
  { id: '001_notes', sql: 'CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)' },
  { id: '002_words', sql: 'CREATE TABLE notes_words (note INTEGER PRIMARY KEY, words INTEGER NOT NULL)' },
];

export class NotesPlugin extends BasePlugin {
  get metadata(): PluginMetadata {
    return {
      name: 'Notes',
      version: '1.0.0',
      description: 'Keeps notes and counts their words',
      priority: PluginPriority.NORMAL,
    };
  }

  override async start(): Promise<void> {
    const database = this.requireService('database');
    const bus = this.requireService('message_bus');
    const watching = new Set<WebSocket>();
    // The tables belong to the plugin: the owner is its name.
    await database.migrate('notes', MIGRATIONS);

    // The effect and the acknowledgement are one transaction, so each note is counted once. A handler that throws is
    // called again after a growing wait; after 8 attempts the message is a dead letter (`aico bus dead-letters`).
    const counter = await bus.consume(noteAdded, 'notes-counter', async (_topic, { id, text }, { ack }) => {
      await database.transaction(async (tx) => {
        const words = text.split(/\s+/).length;
        await tx.execute('INSERT INTO notes_words (note, words) VALUES (?, ?)', [id, words]);
        await ack(tx);
      });
      for (const socket of watching) socket.send(JSON.stringify({ counted: id }));
    });
    this.onStop(() => counter.stop());

    await this.addRoutes((app) => {
      const schema = { body: Type.Object({ text: Type.String({ minLength: 1 }) }) };
      app.post('/', { config: { access: 'notes:write' }, schema }, async ({ body: { text } }) =>
        // The note and the message about it are stored together, or neither is.
        database.transaction(async (tx) => {
          const { lastRowId } = await tx.execute('INSERT INTO notes (text) VALUES (?)', [text]);
          const id = Number(lastRowId);
          await bus.publish(noteAdded, { id, text }, { durable: true, tx });
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
  }
}

export const plugin = definePlugin({
  name: 'notes',
  dependencies: ['gateway', 'database', 'message_bus'],
  create: (name, container) => new NotesPlugin(name, container),
});
