import { type Database, type MessageBus, type Static, type Transaction, Type } from '@aico/backend/plugin';
import { unmarked } from '@aico/example-inbox';
import { BULK } from './bulk-filter.ts';
import { digestReady } from './topics.ts';

/** The messages of one day. */
export const Digest = Type.Object({
  day: Type.String(),
  messages: Type.Immutable(
    Type.Array(Type.Object({ id: Type.Integer(), subject: Type.String(), sender: Type.String() })),
  ),
  bulk: Type.Integer({ description: 'Messages that were sent to many, and are not listed.' }),
});
export type Digest = Static<typeof Digest>;

/** The digests, and the messages that await one. */
export class DigestStore {
  readonly #database: Database;
  readonly #bus: MessageBus;

  constructor(database: Database, bus: MessageBus) {
    this.#database = database;
    this.#bus = bus;
  }

  /** Notes a message for the next digest; noting it twice changes nothing. */
  async note(message: number, tx: Transaction): Promise<void> {
    await tx.execute('INSERT INTO digest_pending VALUES (?) ON CONFLICT DO NOTHING', [message]);
  }

  /** Makes the digest of a day from the messages that no digest has listed, unless the day has one. @returns whether it did */
  async make(day: string, nowMs: number): Promise<boolean> {
    return this.#database.transaction(async (tx) => {
      if ((await tx.execute('SELECT 1 FROM digest WHERE day = ?', [day])).fetchOne() !== undefined)
        return false;
      const { rows } = await tx.execute<{ id: number; subject: string; sender: string; isBulk: number }>(
        `SELECT m.id, m.subject, m.sender,
           EXISTS (SELECT 1 FROM inbox_labels WHERE message = m.id AND label = ?) AS "isBulk"
         FROM digest_pending JOIN inbox_messages m ON m.id = digest_pending.message ORDER BY m.id`,
        [BULK],
      );
      const messages = rows.flatMap(({ id, subject, sender, isBulk }) =>
        isBulk === 1 ? [] : [{ id, subject: unmarked(subject), sender: unmarked(sender) }],
      );
      const digest: Digest = { day, messages, bulk: rows.length - messages.length };
      await tx.execute('INSERT INTO digest VALUES (?, ?, ?)', [day, nowMs, JSON.stringify(digest)]);
      await tx.execute('DELETE FROM digest_pending');
      await this.#bus.publish(digestReady, { day, messages: rows.length }, { durable: true, tx });
      return true;
    });
  }

  /** Newest first. */
  async list(limit: number): Promise<readonly Digest[]> {
    const { rows } = await this.#database.execute<{ content: string }>(
      'SELECT content FROM digest ORDER BY day DESC LIMIT ?',
      [limit],
    );
    return rows.map(({ content }) => JSON.parse(content) as Digest);
  }
}
