import { createHash } from 'node:crypto';
import path from 'node:path';
import { Type } from 'typebox';
import { Check } from 'typebox/value';
import { createMutex } from '../../core/tasks/index.ts';
import type { Keyring } from '../../security/index.ts';
import type { DatabaseHistory, DatabaseStamp } from '../engine/commit-record.ts';
import { DatabaseRolledBackError } from '../file/errors.ts';
import { type DatabaseWitness, isSameHistory } from '../file/rollback-guard.ts';
import type { Database } from '../types.ts';

const Stamp = Type.Object({
  id: Type.String({ maxLength: 64 }),
  epoch: Type.String({ maxLength: 64 }),
  commits: Type.Integer({ minimum: 0 }),
});

/** Milliseconds between two looks at how many commits there are: a keyring is slow, and behind is no harm. */
const FOLLOW_MS = 15_000;

/**
 * A second head, in the keyring of the operating system. It detects an older copy of the database *and* of the head beside it.
 * It is updated with a delay, so it states a minimum of the commits.
 *
 * @example
 * ```ts
 * const witness = new HeadWitness(await openOsKeyring(), file);
 * const database = await EncryptedDatabase.open({ file, key, witness }); // throws DatabaseRolledBackError
 * await witness.follow(database);
 * await witness.close(database);
 * ```
 */
export class HeadWitness implements DatabaseWitness {
  readonly #keyring: Keyring;
  readonly #file: string;
  readonly #account: string;
  #written: DatabaseStamp | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** One write at a time: a slower one must not come after a later one. */
  readonly #exclusive = createMutex();

  constructor(keyring: Keyring, databaseFile: string) {
    this.#keyring = keyring;
    this.#file = path.resolve(databaseFile);
    this.#account = accountOf(databaseFile);
  }

  async refuse(stamp: DatabaseStamp | undefined, replaces: DatabaseHistory | undefined): Promise<void> {
    const known = await this.known();
    if (known === undefined) return;
    if (stamp === undefined) throw new DatabaseRolledBackError(this.#file, 'nothing', known);
    // The first opening after a restore or an acceptance, which may have been killed before it could tell the keyring.
    const isSuccessor = replaces !== undefined && isSameHistory(replaces, known);
    if (isSuccessor || (isSameHistory(stamp, known) && stamp.commits >= known.commits)) return;
    throw new DatabaseRolledBackError(this.#file, stamp, known);
  }

  /** The stamp that the keyring holds for the database at this place; `undefined` where it has none or cannot be read. */
  async known(): Promise<DatabaseStamp | undefined> {
    // A keyring that fails says nothing; the head beside the database still counts.
    return await this.#read().catch(() => undefined);
  }

  /** Has the keyring know `stamp` from now on: that of a new history, which no copy of an older one passes for. */
  async adopt(stamp: DatabaseStamp): Promise<void> {
    await this.#write(stamp);
  }

  /**
   * Tells the keyring of the database that was opened, and keeps it no more than some seconds behind, until it is closed.
   * A failed attempt is repeated the next time.
   */
  async follow(database: Database): Promise<void> {
    await this.#catchUp(database).catch(() => undefined);
    this.#timer = setInterval(() => void this.#catchUp(database).catch(() => undefined), FOLLOW_MS);
    this.#timer.unref();
  }

  /** The last look, before the database is closed. */
  async close(database: Database): Promise<void> {
    clearInterval(this.#timer);
    await this.#catchUp(database).catch(() => undefined);
  }

  /** Deletes the entry, if there is no database any more and that is accepted. */
  async forget(): Promise<void> {
    if ((await this.#keyring.get(this.#account)) !== undefined) await this.#keyring.delete(this.#account);
  }

  async #catchUp(database: Database): Promise<void> {
    await this.#exclusive(async () => this.#write(await stampOf(database)));
  }

  async #write(stamp: DatabaseStamp): Promise<void> {
    if (this.#written?.commits === stamp.commits && isSameHistory(this.#written, stamp)) return;
    await this.#keyring.set(this.#account, Buffer.from(JSON.stringify(stamp)));
    this.#written = stamp;
  }

  /** Undefined where it knows nothing, or nothing that can be understood. */
  async #read(): Promise<DatabaseStamp | undefined> {
    const secret = await this.#keyring.get(this.#account);
    if (secret === undefined) return undefined;
    try {
      const stamp: unknown = JSON.parse(Buffer.from(secret).toString('utf8'));
      return Check(Stamp, stamp) ? stamp : undefined;
    } catch {
      return undefined;
    }
  }
}

async function stampOf(database: Database): Promise<DatabaseStamp> {
  const { rows } = await database.execute<DatabaseStamp>('SELECT id, epoch, commits FROM _aico_head');
  const [stamp] = rows;
  if (stamp === undefined) throw new TypeError('the database says nothing of its commits');
  return { id: stamp.id, epoch: stamp.epoch, commits: Number(stamp.commits) };
}

/** By its place: a database that is moved has no witness until it is opened there. */
function accountOf(databaseFile: string): string {
  const place = createHash('sha256').update(path.resolve(databaseFile)).digest('hex').slice(0, 32);
  return `database-head-${place}`;
}
