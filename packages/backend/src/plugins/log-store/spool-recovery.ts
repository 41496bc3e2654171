import { joined, type Logger, linesOfRun } from '@aico/shared/core/logging';
import type { Database } from '@aico/shared/data';
import type { SpooledRun, SpooledRuns } from '@aico/shared/security';
import { FORGET_RUNS, INSERT_BATCH, STORED_OF_RUN } from './schema.ts';

/** Lines that are stored by one statement, and the characters that complete a batch of fewer: a commit costs more than its lines. */
const BATCH_LINES = 4_096;
const BATCH_LENGTH = 4 * 1_048_576;

export interface SpoolRecoveryOptions {
  readonly spools: SpooledRuns;
  /** The run of this process, whose spool is still written. */
  readonly run: string;
  readonly database: Pick<Database, 'execute'>;
  readonly logger: Logger;
}

/**
 * Stores the lines that earlier processes left in their spools, in order and each once: the number of the last line that was
 * stored is kept in the transaction of the lines. Spools whose lines are stored are removed.
 */
export class SpoolRecovery {
  readonly #spools: SpooledRuns;
  readonly #run: string;
  readonly #database: Pick<Database, 'execute'>;
  readonly #logger: Logger;

  constructor({ spools, run, database, logger }: SpoolRecoveryOptions) {
    this.#spools = spools;
    this.#run = run;
    this.#database = database;
    this.#logger = logger;
  }

  /** @throws the error of the database, or of a file; it continues where it was when it is called again */
  async complete(): Promise<void> {
    for (const left of this.#spools.runs(this.#run)) {
      const lines = await this.#store(left);
      const { damaged } = left;
      left.remove();
      if (lines > 0) this.#logger.info('Lines of an earlier process were stored from its spool', { lines });
      if (damaged > 0)
        this.#logger.warn('Lines of an earlier process are lost: parts of its spool cannot be read', {
          entries: damaged,
        });
    }
    await this.#database.execute(FORGET_RUNS);
  }

  async #store(left: SpooledRun): Promise<number> {
    const { rows } = await this.#database.execute<{ stored: number }>(STORED_OF_RUN, [left.run]);
    let count = 0;
    let batch: string[] = [];
    let length = 0;
    let stored = 0;
    const write = async (): Promise<void> => {
      if (batch.length === 0) return;
      await this.#database.execute(INSERT_BATCH, [left.run, stored, joined(batch)]);
      count += batch.length;
      batch = [];
      length = 0;
    };
    for (const { number, text } of linesOfRun(left.entries(), rows[0]?.stored ?? 0)) {
      batch.push(text);
      length += text.length;
      stored = number;
      if (batch.length >= BATCH_LINES || length >= BATCH_LENGTH) await write();
    }
    await write();
    return count;
  }
}
