import { TopicTrie } from '@aico/protocol';
import { jsonList } from '../sql/json-list.ts';
import type { Database, Transaction } from '../types.ts';

const DAY_MS = 86_400_000;

/** The limits that decide how long messages are kept. */
export interface Retention {
  /** Milliseconds for which a message is kept that every consumer has settled. Default 7 days. */
  readonly maxAgeMs?: number;
  /** The limit for the bodies of all messages, in bytes. Default 1 GiB. */
  readonly maxBytes?: number;
  /**
   * Milliseconds for which messages are kept for a consumer that does not run, and for which a dead letter is kept. Default
   * 30 days. While the bodies exceed `maxBytes`, one day at most.
   */
  readonly maxAbsentMs?: number;
}

/** The limit of `maxAbsentMs` while the bodies exceed `maxBytes`. */
const CROWDED_MS = DAY_MS;

interface PruneReport {
  readonly messages: number;
  readonly deadLetters: number;
}

interface Consumer {
  readonly name: string;
  readonly pattern: string;
  readonly floor: number;
  readonly seen_ms: number;
}

/** Deletes expired messages and dead letters. */
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

  /** Whether messages are kept for a consumer that does not run and last ran at `seenMs`, or at an unknown time if that is 0. */
  holds(seenMs: number, nowMs: number): boolean {
    return seenMs === 0 || nowMs - seenMs <= this.#maxAbsentMs;
  }

  /**
   * Deletes messages beyond the limits of age and size. A message is kept while it is a dead letter, and for each consumer whose
   * pattern matches its topic and that has not settled it, while the consumer runs or was not absent for too long.
   */
  async prune(running: readonly string[], nowMs: number): Promise<PruneReport> {
    return this.#database.transaction(async (tx) => {
      await tx.execute(
        'UPDATE stream_consumer SET seen_ms = ? ' +
          `WHERE seen_ms = 0 OR seen_ms > ? OR name IN ${jsonList(this.#database.dialect, 'TEXT')}`,
        [nowMs, nowMs, JSON.stringify(running)],
      );
      const aged = await this.#prune(tx, {
        where: 'created_ms < ?',
        bound: nowMs - this.#maxAgeMs,
        absentMs: this.#maxAbsentMs,
        nowMs,
      });
      const cut = await this.#cut(tx);
      if (cut === undefined) return aged;
      const crowded = await this.#prune(tx, {
        where: 'number <= ?',
        bound: cut,
        absentMs: Math.min(CROWDED_MS, this.#maxAbsentMs),
        nowMs,
      });
      return {
        messages: aged.messages + crowded.messages,
        deadLetters: aged.deadLetters + crowded.deadLetters,
      };
    });
  }

  /** The newest message beyond `maxBytes`. */
  async #cut(tx: Transaction): Promise<number | undefined> {
    const { rows } = await tx.execute<{ number: number }>(
      'SELECT number FROM (SELECT number, sum(octet_length(body)) OVER (ORDER BY number DESC) AS kept FROM stream_message) AS newest ' +
        'WHERE kept > ? ORDER BY number DESC LIMIT 1',
      [this.#maxBytes],
    );
    return rows[0]?.number;
  }

  async #prune(
    tx: Transaction,
    which: {
      readonly where: string;
      readonly bound: number;
      readonly absentMs: number;
      readonly nowMs: number;
    },
  ): Promise<PruneReport> {
    const { where, bound, absentMs, nowMs } = which;
    const since = nowMs - absentMs;
    const dead = await tx.execute(
      `DELETE FROM stream_dead WHERE dead_ms < ? AND number IN (SELECT number FROM stream_message WHERE ${where})`,
      [since, bound],
    );
    const { rows: consumers } = await tx.execute<Consumer>(
      'SELECT name, pattern, floor, seen_ms FROM stream_consumer WHERE seen_ms >= ?',
      [since],
    );
    let messages = 0;
    for (const [floor, topics] of await this.#floors(tx, consumers)) {
      const { changes } = await tx.execute(
        `DELETE FROM stream_message WHERE ${where} AND number <= ? AND topic IN ${jsonList(this.#database.dialect, 'TEXT')} ` +
          'AND number NOT IN (SELECT r.number FROM stream_retry r JOIN stream_consumer c ON c.name = r.consumer ' +
          'WHERE c.seen_ms >= ?) AND number NOT IN (SELECT number FROM stream_dead)',
        [bound, floor, JSON.stringify(topics), since],
      );
      messages += changes;
    }
    if (messages > 0)
      await tx.execute('DELETE FROM stream_retry WHERE number NOT IN (SELECT number FROM stream_message)');
    return { messages, deadLetters: dead.changes };
  }

  /** The stored topics by the number up to which every subscribed consumer has settled their messages. */
  async #floors(
    tx: Transaction,
    consumers: readonly Consumer[],
  ): Promise<ReadonlyMap<number, readonly string[]>> {
    const trie = new TopicTrie<Consumer>(0);
    for (const consumer of consumers) trie.add(consumer.pattern, consumer);
    const { rows } = await tx.execute<{ topic: string }>('SELECT DISTINCT topic FROM stream_message');
    const floors = new Map<number, string[]>();
    for (const { topic } of rows) {
      const floor = Math.min(Number.MAX_SAFE_INTEGER, ...trie.match(topic).map((consumer) => consumer.floor));
      const topics = floors.get(floor) ?? [];
      topics.push(topic);
      floors.set(floor, topics);
    }
    return floors;
  }
}
