import { readFile } from 'node:fs/promises';
import { parseJson } from '@aico/protocol';
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import { removeDurably, whileLocked, writePrivateFile } from '../../core/paths/index.ts';
import { type Backoff, backoffCeiling } from '../../core/tasks/index.ts';
import { UnlockThrottledError } from '../errors.ts';

const FREE_TRIES = 3;
const WAITS: Backoff = { minDelayMs: 1_000, maxDelayMs: 5 * 60_000 };
/** Counting an attempt needs a lock. A process that holds it longer than this also keeps others from guessing. */
const LOCK_WAIT_MS = 5_000;

const State = Type.Object(
  {
    version: Type.Literal(1),
    failures: Type.Integer({ minimum: 0, maximum: 1_000_000 }),
    /** Milliseconds since 1970. */
    lastAt: Type.Number({ minimum: 0 }),
  },
  { additionalProperties: false },
);
type State = Static<typeof State>;
const NONE: State = { version: 1, failures: 0, lastAt: 0 };

/** Failed attempts so far, and the wait before the next one. */
export interface ThrottleStatus {
  readonly failures: number;
  /** Milliseconds until the next attempt is accepted; 0 if it may be made at once. */
  readonly retryAfterMs: number;
}

/** Milliseconds to wait after `failures`: three are free, then 1 s, 2 s, 4 s … up to 5 minutes. */
export function waitAfter(failures: number): number {
  if (failures < FREE_TRIES) return 0;
  return backoffCeiling(failures - FREE_TRIES + 1, WAITS);
}

/**
 * Limits the rate of guessing a password or a recovery code through the running system. It does not limit an attacker with a
 * copy of the slot file, who is slowed down by Argon2id only.
 *
 * The count is stored in a small file, so that it survives a restart. A damaged or missing file counts as no failures: a
 * process that can write there can read the slot file too.
 */
export class UnlockThrottle {
  readonly #file: string;
  readonly #now: () => number;
  /** The state in this process, used if the file cannot be written. */
  #known: State = NONE;

  /** @param now milliseconds since 1970; the wall clock, since the count outlives the process and the machine's uptime */
  constructor(file: string, now: () => number = Date.now) {
    this.#file = file;
    this.#now = now;
  }

  async status(): Promise<ThrottleStatus> {
    const { failures, lastAt } = await this.#read();
    const elapsed = Math.max(0, this.#now() - lastAt);
    return { failures, retryAfterMs: Math.max(0, Math.ceil(waitAfter(failures) - elapsed)) };
  }

  /**
   * Admits an attempt, and counts it as failed before its outcome is known, so that killing the process or concurrent attempts
   * gain nothing.
   * @throws {UnlockThrottledError} while the wait after earlier attempts lasts
   */
  async begin(): Promise<void> {
    await this.#alone(async () => {
      const found = await this.#read();
      const now = this.#now();
      // After the clock was set back, the wait restarts once, instead of lasting until the clock has caught up.
      if (found.lastAt > now) await this.#write({ ...found, lastAt: now });
      const { failures, retryAfterMs } = await this.status();
      if (retryAfterMs > 0) throw new UnlockThrottledError(retryAfterMs, failures);
      await this.#write({ version: 1, failures: failures + 1, lastAt: now });
    });
  }

  /** Resets the count after a successful attempt. */
  async succeeded(): Promise<void> {
    this.#known = NONE;
    // A file that cannot be removed costs one wait at a later mistake.
    await removeDurably(this.#file).catch(() => undefined);
  }

  /**
   * Reads and writes the count under a lock, so that concurrent guesses are counted one by one. If the disk accepts no lock
   * file, the count applies to this process only.
   */
  async #alone(work: () => Promise<void>): Promise<void> {
    let isAlone = false;
    try {
      await whileLocked(
        `${this.#file}.guard`,
        {
          waitMs: LOCK_WAIT_MS,
          busy: () => new UnlockThrottledError(WAITS.minDelayMs, this.#known.failures),
        },
        async () => {
          isAlone = true;
          await work();
        },
      );
    } catch (error) {
      if (isAlone || error instanceof UnlockThrottledError) throw error;
      await work();
    }
  }

  async #read(): Promise<State> {
    const content = await readFile(this.#file, 'utf8').catch(() => '');
    const found = parse(content) ?? NONE;
    return found.failures >= this.#known.failures ? found : this.#known;
  }

  async #write(next: State): Promise<void> {
    this.#known = next;
    // If the disk cannot be written, the count still applies to this process.
    await writePrivateFile(this.#file, JSON.stringify(next)).catch(() => undefined);
  }
}

function parse(content: string): State | undefined {
  try {
    const value: unknown = parseJson(content);
    return Check(State, value) ? value : undefined;
  } catch {
    return undefined;
  }
}
