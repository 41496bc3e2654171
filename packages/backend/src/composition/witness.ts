import { setTimeout } from 'node:timers/promises';
import type { Logger } from '@aico/shared/core/logging';
import { type Database, HeadWitness } from '@aico/shared/data';
import { openOsKeyring } from '@aico/shared/security';

/** Milliseconds that a start waits for a keyring. A slower keyring is not used. */
const PATIENCE_MS = 1_500;

/** Stores the commit count of a database in the keyring of the operating system, if there is one. */
export class Witnesses {
  readonly #following = new WeakMap<Database, HeadWitness>();

  async open(databaseFile: string, logger: Logger): Promise<HeadWitness | undefined> {
    const late = new AbortController();
    const opening = openOsKeyring().catch((error: unknown) => {
      logger.debug('No keyring keeps the count of commits', { error });
      return undefined;
    });
    const keyring = await Promise.race([
      opening,
      setTimeout(PATIENCE_MS, undefined, { signal: late.signal, ref: false }).catch(() => undefined),
    ]);
    late.abort();
    return keyring === undefined ? undefined : new HeadWitness(keyring, databaseFile);
  }

  /** Updates the keyring with the commits of a database until the database is closed. */
  async follow(database: Database, witness: HeadWitness | undefined): Promise<void> {
    if (witness === undefined) return;
    await witness.follow(database);
    this.#following.set(database, witness);
  }

  /** Ends {@link follow}; must be called before the database is closed. */
  async close(database: Database): Promise<void> {
    await this.#following.get(database)?.close(database);
  }
}
