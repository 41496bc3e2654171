import { createHash } from 'node:crypto';
import path from 'node:path';
import { parseJson } from '@aico/protocol';
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

/** The time between two updates of the keyring, in milliseconds. A keyring is slow, and one that is behind is harmless. */
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
  /** Serialises the writes, so that a slow write cannot overwrite a later one. */
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
    // This is the first opening after a restore or an acceptance that was killed before it updated the keyring.
    const isSuccessor = replaces !== undefined && isSameHistory(replaces, known);
    if (isSuccessor || (isSameHistory(stamp, known) && stamp.commits >= known.commits)) return;
    throw new DatabaseRolledBackError(this.#file, stamp, known);
  }

  /** The stamp in the keyring for the database at this path; `undefined` if there is none or it cannot be read. */
  async known(): Promise<DatabaseStamp | undefined> {
    // Without the keyring, the head file still detects an older database.
    return await this.#read().catch(() => undefined);
  }

  /** Stores the stamp of a new history in the keyring, so that a copy of an older history is refused. */
  async adopt(stamp: DatabaseStamp): Promise<void> {
    await this.#write(stamp);
  }

  /**
   * Stores the stamp of the opened database in the keyring, and updates it every 15 seconds until {@link close}. A failed update is
   * repeated with the next.
   */
  async follow(database: Database): Promise<void> {
    await this.#catchUp(database).catch(() => undefined);
    this.#timer = setInterval(() => void this.#catchUp(database).catch(() => undefined), FOLLOW_MS);
    this.#timer.unref();
  }

  /** Stops the updates after a last one. Must be called before the database is closed. */
  async close(database: Database): Promise<void> {
    clearInterval(this.#timer);
    await this.#catchUp(database).catch(() => undefined);
  }

  /** Deletes the entry, once the loss of the database is accepted. */
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

  /** @returns `undefined` if there is no entry, or it cannot be parsed */
  async #read(): Promise<DatabaseStamp | undefined> {
    const secret = await this.#keyring.get(this.#account);
    if (secret === undefined) return undefined;
    try {
      const stamp: unknown = parseJson(Buffer.from(secret).toString('utf8'));
      return Check(Stamp, stamp) ? stamp : undefined;
    } catch {
      return undefined;
    }
  }
}

async function stampOf(database: Database): Promise<DatabaseStamp> {
  const { rows } = await database.execute<DatabaseStamp>('SELECT id, epoch, commits FROM _aico_head');
  const [stamp] = rows;
  if (stamp === undefined) throw new TypeError('the database contains no commit count');
  return { id: stamp.id, epoch: stamp.epoch, commits: Number(stamp.commits) };
}

/** The entry is found by the path of the database, so a database that was moved has no entry until it is opened. */
function accountOf(databaseFile: string): string {
  const place = createHash('sha256').update(path.resolve(databaseFile)).digest('hex').slice(0, 32);
  return `database-head-${place}`;
}
