import type { Database, Delivery, HealthCheckResult, MessageBus, Transaction } from '@aico/backend/plugin';
import { type NoteAdded, noteAdded } from './topics.ts';

export interface Note {
  readonly id: number;
  readonly text: string;
  /** `null` until the note has been counted. */
  readonly words: number | null;
}

/** See the migrations. */
const TABLE = 'sample_plugin_notes';

/** More notes than these that wait to be counted are a sign of trouble. */
const MOST_WAITING = 1_000;

/** The notes in the database, and every statement about them. */
export class Notes {
  readonly #database: Database;
  readonly #bus: MessageBus;

  constructor(database: Database, bus: MessageBus) {
    this.#database = database;
    this.#bus = bus;
  }

  /** Stores a note and the message about it: both are durable once `tx` is committed, or neither is. */
  async add(tx: Transaction, text: string): Promise<Note> {
    const { rows } = await tx.execute(`INSERT INTO ${TABLE} (text) VALUES (?) RETURNING id`, [text]);
    const id = Number(rows[0]?.id);
    await this.#bus.publish(noteAdded, { id, text }, { durable: true, tx });
    return { id, text, words: null };
  }

  /** Stores how many words a note has, and acknowledges the message about it in the same transaction. */
  async count({ id, text }: NoteAdded, { ack }: Delivery): Promise<void> {
    await this.#database.transaction(async (tx) => {
      await tx.execute(`UPDATE ${TABLE} SET words = ? WHERE id = ?`, [wordsIn(text), id]);
      await ack(tx);
    });
  }

  /** The notes after the one with the number `after`, the oldest first. */
  async list(after: number, limit: number): Promise<readonly Note[]> {
    const page = `SELECT id, text, words FROM ${TABLE} WHERE id > ? ORDER BY id LIMIT ?`;
    const { rows } = await this.#database.execute<Note>(page, [after, limit]);
    return rows;
  }

  async health(): Promise<HealthCheckResult> {
    const count = `SELECT count(*) AS waiting FROM ${TABLE} WHERE words IS NULL`;
    const found = (await this.#database.execute<{ waiting: number }>(count)).fetchOne();
    const waiting = found?.waiting ?? 0;
    if (waiting <= MOST_WAITING) return { status: 'healthy', data: { waiting } };
    return { status: 'degraded', detail: `${waiting} notes wait to be counted`, data: { waiting } };
  }
}

export function wordsIn(text: string): number {
  return text.split(/\s+/).filter((word) => word !== '').length;
}
