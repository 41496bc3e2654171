import { TopicTrie } from '@aico/protocol';
import type { Database, Transaction } from '../types.ts';

const DAY_MS = 86_400_000;

/** How long messages are kept, and for which consumers. */
export interface Retention {
  /** Milliseconds that a message is kept which every consumer has settled. Default 7 days. */
  readonly maxAgeMs?: number;
  /** Bytes of bodies, in all. Default 1 GiB. */
  readonly maxBytes?: number;
  /**
   * Milliseconds for which messages are kept for a consumer that does not run, and for which a dead letter is kept. Default
   * 30 days. While the store is over `maxBytes`, one day at most.
   */
  readonly maxAbsentMs?: number;
}

/** How long a consumer may be away, and a dead letter lie, while the store is over its bytes. */
const CROWDED_MS = DAY_MS;

export interface PruneReport {
  readonly messages: number;
  readonly deadLetters: number;
}

interface Consumer {
  readonly name: string;
  readonly pattern: string;
  readonly floor: number;
  readonly seen_ms: number;
}

/** Deletes what is past its time, and decides for whom messages are kept. */
export class StreamRetention {
  readonly #database: Database;
  readonly #maxAgeMs: number;
  readonly #maxBytes: number;
  readonly #maxAbsentMs: number;

  constructor(
    database: Database,
    { maxAgeMs = 7 * DAY_MS, maxBytes = 2 ** 30, maxAbsentMs = 30 * DAY_MS }: Retention = {},
  ) {
    this.#database = database;
    this.#maxAgeMs = maxAgeMs;
    this.#maxBytes = maxBytes;
    this.#maxAbsentMs = maxAbsentMs;
  }

  /** Whether messages are kept for a consumer that does not run and was last seen at `seenMs`; 0: not known yet. */
  holds(seenMs: number, nowMs: number): boolean {
    return seenMs === 0 || nowMs - seenMs <= this.#maxAbsentMs;
  }

  /**
   * Deletes messages that are too old, or too much. A message is kept for each consumer whose pattern stands for its topic and
   * that has not settled it, as long as the consumer runs or has not been away for too long; and as long as it is a dead letter.
   */
  async prune(running: readonly string[], nowMs: number): Promise<PruneReport> {
    return this.#database.transaction(async (tx) => {
      await tx.execute(
        'UPDATE stream_consumer SET seen_ms = ? ' +
          'WHERE seen_ms = 0 OR seen_ms > ? OR name IN (SELECT value FROM json_each(?))',
        [BigInt(nowMs), BigInt(nowMs), JSON.stringify(running)],
      );
      const aged = await this.#prune(tx, {
        where: 'created_ms < ?',
        bound: nowMs - this.#maxAgeMs,
        awayMs: this.#maxAbsentMs,
        nowMs,
      });
      const cut = await this.#cut(tx);
      if (cut === undefined) return aged;
      const crowded = await this.#prune(tx, {
        where: 'number <= ?',
        bound: cut,
        awayMs: Math.min(CROWDED_MS, this.#maxAbsentMs),
        nowMs,
      });
      return {
        messages: aged.messages + crowded.messages,
        deadLetters: aged.deadLetters + crowded.deadLetters,
      };
    });
  }

  /** The newest message that there is no room for. */
  async #cut(tx: Transaction): Promise<number | undefined> {
    const { rows } = await tx.execute<{ number: number }>(
      'SELECT number FROM (SELECT number, sum(octet_length(body)) OVER (ORDER BY number DESC) AS kept FROM stream_message) ' +
        'WHERE kept > ? ORDER BY number DESC LIMIT 1',
      [BigInt(this.#maxBytes)],
    );
    return rows[0]?.number;
  }

  async #prune(
    tx: Transaction,
    which: {
      readonly where: string;
      readonly bound: number;
      readonly awayMs: number;
      readonly nowMs: number;
    },
  ): Promise<PruneReport> {
    const { where, bound, awayMs, nowMs } = which;
    const since = BigInt(nowMs - awayMs);
    const dead = await tx.execute(
      `DELETE FROM stream_dead WHERE dead_ms < ? AND number IN (SELECT number FROM stream_message WHERE ${where})`,
      [since, BigInt(bound)],
    );
    const { rows: holders } = await tx.execute<Consumer>(
      'SELECT name, pattern, floor, seen_ms FROM stream_consumer WHERE seen_ms >= ?',
      [since],
    );
    let messages = 0;
    for (const [floor, topics] of await this.#floors(tx, holders)) {
      const { changes } = await tx.execute(
        `DELETE FROM stream_message WHERE ${where} AND number <= ? AND topic IN (SELECT value FROM json_each(?)) ` +
          'AND number NOT IN (SELECT r.number FROM stream_retry r JOIN stream_consumer c ON c.name = r.consumer ' +
          'WHERE c.seen_ms >= ?) AND number NOT IN (SELECT number FROM stream_dead)',
        [BigInt(bound), BigInt(floor), JSON.stringify(topics), since],
      );
      messages += changes;
    }
    if (messages > 0)
      await tx.execute('DELETE FROM stream_retry WHERE number NOT IN (SELECT number FROM stream_message)');
    return { messages, deadLetters: dead.changes };
  }

  /** The topics there are, by the number up to which every holder that takes them has settled them. */
  async #floors(
    tx: Transaction,
    holders: readonly Consumer[],
  ): Promise<ReadonlyMap<number, readonly string[]>> {
    const trie = new TopicTrie<Consumer>(0);
    for (const holder of holders) trie.add(holder.pattern, holder);
    const { rows } = await tx.execute<{ topic: string }>('SELECT DISTINCT topic FROM stream_message');
    const floors = new Map<number, string[]>();
    for (const { topic } of rows) {
      const floor = Math.min(Number.MAX_SAFE_INTEGER, ...trie.match(topic).map((holder) => holder.floor));
      const topics = floors.get(floor) ?? [];
      topics.push(topic);
      floors.set(floor, topics);
    }
    return floors;
  }
}
