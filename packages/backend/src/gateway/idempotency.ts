import { createHash } from 'node:crypto';
import { parseJson } from '@aico/protocol';
import type {
  ColumnSeal,
  Database,
  DatabaseView,
  Migration,
  SealedPlace,
  Transaction,
} from '@aico/shared/data';
import type { FastifyRequest } from 'fastify';
import { IdempotencyKeyInvalidError, IdempotencyKeyReusedError } from './errors.ts';

interface IdempotencyOptions {
  readonly database: Database;
  /** Seals the replies; needed where the engine does not encrypt the whole store. */
  readonly seal?: ColumnSeal | undefined;
  /** Milliseconds for which a key is remembered. Default 24 hours. */
  readonly keepMs?: number;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
  /** The clock that decides which keys are too old to keep. Default: `now`. */
  readonly retentionClock?: { now(): number };
}

interface StoredReply {
  readonly fingerprint: string;
  /** JSON, which may be sealed. */
  readonly reply: string | Uint8Array;
}

const DAY_MS = 86_400_000;
const PRUNE_EVERY = 256;
/** A string of visible ASCII, as in the draft; the quotes of a structured field are part of the key. */
const KEY = /^[\x21-\x7e]{1,255}$/;

const MIGRATIONS: readonly Migration[] = [
  {
    id: '001_idempotency',
    sql: {
      sqlite: `CREATE TABLE idempotency (
        principal TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, reply TEXT NOT NULL, created_ms INTEGER NOT NULL,
        PRIMARY KEY (principal, key)
      ) STRICT;
      CREATE INDEX idempotency_created ON idempotency (created_ms)`,
      postgres: `CREATE TABLE idempotency (
        principal TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, reply BYTEA NOT NULL, created_ms BIGINT NOT NULL,
        PRIMARY KEY (principal, key)
      );
      CREATE INDEX idempotency_created ON idempotency (created_ms)`,
    },
  },
];

/**
 * The service `'idempotency'`: executes a request once, however often it is sent. The reply is stored in the same transaction
 * as the effect, so that neither exists without the other after a crash.
 *
 * Source: draft-ietf-httpapi-idempotency-key-header.
 *
 * @example
 * ```ts
 * app.post('/notes', { config: { access: 'notes:write', idempotent: true } }, (request) =>
 *   idempotency.run(request, async (tx) => {
 *     const { rows } = await tx.execute('INSERT INTO note (text) VALUES (?) RETURNING id', [request.body.text]);
 *     return rows[0];
 *   }),
 * );
 * ```
 */
export class Idempotency {
  readonly #database: Database;
  readonly #seal: ColumnSeal | undefined;
  readonly #keepMs: number;
  readonly #now: () => number;
  readonly #retentionClock: { now(): number };
  readonly #view: DatabaseView | undefined;
  #untilPrune = 0;

  /** @param view restricts the transactions of `work` to its owner; without it they are unrestricted */
  constructor(
    { database, seal, keepMs = DAY_MS, now = Date.now, retentionClock = { now } }: IdempotencyOptions,
    view?: DatabaseView,
  ) {
    this.#view = view;
    this.#retentionClock = retentionClock;
    this.#database = database;
    this.#seal = seal;
    this.#keepMs = keepMs;
    this.#now = now;
  }

  /** The same service for one owner, whose transactions can use that owner's tables only. */
  as(view: DatabaseView): Idempotency {
    const options = {
      database: this.#database,
      seal: this.#seal,
      keepMs: this.#keepMs,
      now: this.#now,
      retentionClock: this.#retentionClock,
    };
    return new Idempotency(options, view);
  }

  async start(): Promise<void> {
    await this.#database.migrate('idempotency', MIGRATIONS);
  }

  /**
   * Runs `work` in a transaction and resolves with its result once that is durable. A request with the `Idempotency-Key` of an
   * earlier one of the same sender gets the earlier reply, and `work` is not called. Without the header it runs each time.
   *
   * @param work returns JSON; an error rolls everything back, including the key
   * @throws {IdempotencyKeyInvalidError} @throws {IdempotencyKeyReusedError} when the key came with another request
   */
  async run<T>(request: FastifyRequest, work: (tx: Transaction) => Promise<T>): Promise<T> {
    const key = request.headers['idempotency-key'];
    const workIn = (tx: Transaction): Promise<T> => work(this.#view?.within(tx) ?? tx);
    if (key === undefined) return this.#database.transaction(workIn);
    if (typeof key !== 'string' || !KEY.test(key)) throw new IdempotencyKeyInvalidError();
    const principal = request.principal.id;
    const fingerprint = fingerprintOf(request);
    const place = { table: 'idempotency', column: 'reply', key: JSON.stringify([principal, key]) };
    return this.#database.transaction(async (tx) => {
      const { rows } = await tx.execute<StoredReply>(
        'SELECT fingerprint, reply FROM idempotency WHERE principal = ? AND key = ?',
        [principal, key],
      );
      const [stored] = rows;
      if (stored !== undefined) {
        if (stored.fingerprint !== fingerprint) throw new IdempotencyKeyReusedError();
        // Stored by the code below: the JSON that `work` returned for the same request.
        return parseJson(this.#open(stored.reply, place)) as T;
      }
      const reply = await workIn(tx);
      await this.#prune(tx);
      const text = JSON.stringify(reply ?? null);
      await tx.execute(
        'INSERT INTO idempotency (principal, key, fingerprint, reply, created_ms) VALUES (?, ?, ?, ?, ?)',
        [principal, key, fingerprint, this.#seal?.seal(text, place) ?? text, BigInt(this.#now())],
      );
      return reply;
    });
  }

  #open(reply: string | Uint8Array, place: SealedPlace): string {
    if (typeof reply === 'string') return reply;
    return this.#seal?.openText(reply, place) ?? Buffer.from(reply).toString();
  }

  /** Deletes old keys at intervals, in the transaction of a request. */
  async #prune(tx: Transaction): Promise<void> {
    this.#untilPrune -= 1;
    if (this.#untilPrune > 0) return;
    this.#untilPrune = PRUNE_EVERY;
    await tx.execute('DELETE FROM idempotency WHERE created_ms < ?', [
      BigInt(this.#retentionClock.now() - this.#keepMs),
    ]);
  }
}

function fingerprintOf({ method, url, body }: FastifyRequest): string {
  const hash = createHash('sha256').update(`${method} ${url}\n`);
  hash.update(body instanceof Uint8Array ? body : (JSON.stringify(body) ?? ''));
  return hash.digest('base64url');
}
