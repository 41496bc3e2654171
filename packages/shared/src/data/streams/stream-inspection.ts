import { matchesTopic } from '@aico/protocol';
import type { Database, Queryable, Transaction } from '../types.ts';
import type { ConsumerRow } from './stream-store.ts';

export interface ConsumerFigures {
  readonly consumer: string;
  readonly pattern: string;
  /** The number up to which all messages are settled. */
  readonly floor: number;
  /** The number of messages after the floor, including those of other topics. */
  readonly lag: number;
  readonly retrying: number;
  readonly dead: number;
  readonly running: boolean;
  /** The time at which it last ran, accurate to ten minutes; RFC 3339. */
  readonly seenAt: string;
  /** Whether the messages that it has not settled are kept for it. */
  readonly holds: boolean;
}

/** A consumer as it is stored. */
type StoredConsumer = Omit<ConsumerFigures, 'running' | 'seenAt' | 'holds'> & {
  readonly seenMs: number;
};

export interface StreamFigures {
  readonly messages: number;
  readonly bytes: number;
  readonly first: number | undefined;
  readonly last: number | undefined;
  readonly topics: readonly { readonly topic: string; readonly messages: number }[];
  readonly consumers: readonly ConsumerFigures[];
}

/** The part of {@link StreamFigures} that a health check needs. */
export interface StreamSummary {
  readonly messages: number;
  readonly dead: number;
  readonly consumers: readonly Pick<ConsumerFigures, 'consumer' | 'running' | 'seenAt'>[];
}

export interface DeadLetter {
  readonly consumer: string;
  readonly number: number;
  readonly topic: string;
  readonly id: string;
  readonly attempts: number;
  readonly error: string | null;
  /** RFC 3339. */
  readonly diedAt: string;
}

const TOPICS = 100;
/** One dead letter of a consumer, or all if the number is null. */
const WHERE_DEAD = 'WHERE consumer = ?1 AND (CAST(?2 AS BIGINT) IS NULL OR number = ?2)';

/** Statistics and administration of durable topics, without running consumers. */
export class StreamInspection {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The figures for a health check. Each read is short, so that the writer answers it and no reader thread is started. */
  async summary(): Promise<{
    readonly messages: number;
    readonly dead: number;
    readonly consumers: readonly Pick<StoredConsumer, 'consumer' | 'seenMs'>[];
  }> {
    const count = async (table: string): Promise<number> => {
      const { rows } = await this.#database.execute<{ n: number }>(`SELECT count(*) AS n FROM ${table}`);
      return Number(rows[0]?.n ?? 0);
    };
    const [messages, dead, { rows: consumers }] = await Promise.all([
      count('stream_message'),
      count('stream_dead'),
      this.#database.execute<{ consumer: string; seenMs: number }>(
        'SELECT name AS consumer, seen_ms AS "seenMs" FROM stream_consumer',
      ),
    ]);
    return { messages, dead, consumers };
  }

  async figures(): Promise<
    Omit<StreamFigures, 'consumers'> & { readonly consumers: readonly StoredConsumer[] }
  > {
    return this.#database.transaction(
      async (tx) => {
        const { rows: all } = await tx.execute<{
          n: number;
          bytes: number | null;
          first: number | null;
          last: number | null;
        }>(
          'SELECT count(*) AS n, sum(octet_length(body)) AS bytes, min(number) AS first, max(number) AS last FROM stream_message',
        );
        const { rows: topics } = await tx.execute<{ topic: string; messages: number }>(
          'SELECT topic, count(*) AS messages FROM stream_message GROUP BY topic ORDER BY messages DESC, topic LIMIT ?',
          [TOPICS],
        );
        const { rows: consumers } = await tx.execute<Omit<StoredConsumer, 'lag'>>(
          'SELECT name AS consumer, pattern, floor, seen_ms AS "seenMs", ' +
            '(SELECT count(*) FROM stream_retry r WHERE r.consumer = c.name) AS retrying, ' +
            '(SELECT count(*) FROM stream_dead d WHERE d.consumer = c.name) AS dead FROM stream_consumer c ORDER BY name',
        );
        const last = all[0]?.last ?? undefined;
        return {
          messages: Number(all[0]?.n ?? 0),
          bytes: Number(all[0]?.bytes ?? 0),
          first: all[0]?.first ?? undefined,
          last,
          topics,
          consumers: consumers.map((each) => ({ ...each, lag: Math.max(0, (last ?? 0) - each.floor) })),
        };
      },
      { readOnly: true },
    );
  }

  async knows(consumer: string): Promise<boolean> {
    const { rows } = await this.#database.execute('SELECT 1 FROM stream_consumer WHERE name = ?', [consumer]);
    return rows.length > 0;
  }

  async deadLetters(consumer: string | undefined, limit: number): Promise<readonly DeadLetter[]> {
    const { rows } = await this.#database.execute<Omit<DeadLetter, 'diedAt'> & { readonly dead_ms: number }>(
      'SELECT d.consumer, d.number, m.topic, m.id, d.attempts, d.error, d.dead_ms FROM stream_dead d ' +
        'JOIN stream_message m ON m.number = d.number WHERE CAST(? AS TEXT) IS NULL OR d.consumer = ? ORDER BY d.number LIMIT ?',
      [consumer ?? null, consumer ?? null, limit],
    );
    return rows.map(({ dead_ms, ...row }) => ({ ...row, diedAt: new Date(Number(dead_ms)).toISOString() }));
  }

  async replayDead(consumer: string, number: number | undefined, nowMs: number): Promise<number> {
    return this.#database.transaction(async (tx) => {
      await tx.execute(
        'INSERT INTO stream_retry (consumer, number, attempts, due_ms, leased, error) ' +
          `SELECT consumer, number, 0, CAST(?3 AS BIGINT), 0, error FROM stream_dead ${WHERE_DEAD}`,
        [consumer, number ?? null, nowMs],
      );
      return await this.dropDead(consumer, number, tx);
    });
  }

  async rewind(consumer: string, number: number): Promise<boolean> {
    return this.#database.transaction(async (tx) => {
      const { changes } = await tx.execute(
        'UPDATE stream_consumer SET floor = ?, handed_out = ? WHERE name = ?',
        [number, number, consumer],
      );
      for (const table of ['stream_done', 'stream_retry', 'stream_dead'])
        await tx.execute(`DELETE FROM ${table} WHERE consumer = ? AND number > ?`, [consumer, number]);
      return changes === 1;
    });
  }

  async forget(consumer: string): Promise<boolean> {
    return this.#database.transaction(async (tx) => {
      for (const table of ['stream_done', 'stream_retry', 'stream_dead'])
        await tx.execute(`DELETE FROM ${table} WHERE consumer = ?`, [consumer]);
      const { changes } = await tx.execute('DELETE FROM stream_consumer WHERE name = ?', [consumer]);
      return changes === 1;
    });
  }

  /** Makes the messages that were in flight when the process died due for a retry. Their delivery counts as an attempt. */
  async recover(tx: Transaction, consumer: string, known: ConsumerRow, nowMs: number): Promise<void> {
    const { rows } = await tx.execute<{ number: number; topic: string }>(
      'SELECT number, topic FROM stream_message WHERE number > ? AND number <= ? AND number NOT IN ' +
        '(SELECT number FROM stream_done WHERE consumer = ?)',
      [known.floor, known.handed_out, consumer],
    );
    for (const { number, topic } of rows) {
      if (!matchesTopic(known.pattern, topic)) continue;
      await tx.execute(
        'INSERT INTO stream_retry (consumer, number, attempts, due_ms, leased) VALUES (?, ?, 1, ?, 0)',
        [consumer, number, nowMs],
      );
    }
    await tx.execute('UPDATE stream_retry SET leased = 0, due_ms = ? WHERE consumer = ? AND leased = 1', [
      nowMs,
      consumer,
    ]);
    await tx.execute(
      'UPDATE stream_consumer SET floor = CASE WHEN floor > handed_out THEN floor ELSE handed_out END WHERE name = ?',
      [consumer],
    );
    await tx.execute('DELETE FROM stream_done WHERE consumer = ?', [consumer]);
  }

  /** Deletes dead letters: one, or all of a consumer. @returns their number */
  async dropDead(consumer: string, number?: number, on: Queryable = this.#database): Promise<number> {
    return (await on.execute(`DELETE FROM stream_dead ${WHERE_DEAD}`, [consumer, number ?? null])).changes;
  }
}
