import { setTimeout } from 'node:timers/promises';
import type { Logger } from '@aico/shared/core/logging';
import { type Database, HeadWitness } from '@aico/shared/data';
import { openOsKeyring } from '@aico/shared/security';

/** Milliseconds a start waits for a keyring; one that hangs is none. */
const PATIENCE_MS = 1_500;

/** The second head of a database, where the operating system has a keyring; a machine without one has the first alone. */
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

  /** Keeps the keyring informed of a database that was opened with its witness's consent, until it is closed. */
  async follow(database: Database, witness: HeadWitness | undefined): Promise<void> {
    if (witness === undefined) return;
    await witness.follow(database);
    this.#following.set(database, witness);
  }

  /** Before the database is closed. */
  async close(database: Database): Promise<void> {
    await this.#following.get(database)?.close(database);
  }
}
