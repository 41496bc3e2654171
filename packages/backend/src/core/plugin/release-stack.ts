import { reasonOf } from '@aico/protocol';
import { ReleaseTimeoutError } from './errors.ts';

/** Releases a resource: closes, unsubscribes, unmounts. The signal is aborted when its time is up. */
export type Release = (deadline?: AbortSignal) => unknown;

/** One open resource. */
export interface Held {
  /** Releases it early, at most once. */
  release(): Promise<void>;
  /** Removes it without releasing it, since it has ended by itself. */
  forget(): void;
}

interface Entry {
  readonly name: string;
  readonly release: Release;
}

/** Resources and their release functions; the last opened is released first. */
export class ReleaseStack {
  readonly #entries = new Set<Entry>();

  /** The names of everything that is open, in the order in which it was opened. */
  get names(): readonly string[] {
    return [...this.#entries].map(({ name }) => name);
  }

  add(name: string, release: Release): Held {
    const entry: Entry = { name, release };
    this.#entries.add(entry);
    return {
      release: async () => {
        if (this.#entries.delete(entry)) await release();
      },
      forget: () => void this.#entries.delete(entry),
    };
  }

  /**
   * Releases all, one after the other. A failure does not prevent the release of the others. Once `deadline` is aborted, the
   * rest is released without waiting.
   *
   * @throws {Error} the failure of a release; an `AggregateError` of several
   */
  async releaseAll(deadline: AbortSignal): Promise<void> {
    const failures: unknown[] = [];
    for (const entry of [...this.#entries].reverse()) {
      // It may have been released meanwhile; each entry is released once.
      if (!this.#entries.delete(entry)) continue;
      try {
        await unlessAborted(deadline, entry.name, entry.release(deadline));
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) {
      const reasons = failures.map((failure) => reasonOf(failure));
      throw new AggregateError(failures, reasons.join('; '));
    }
  }
}

async function unlessAborted(signal: AbortSignal, name: string, work: unknown): Promise<void> {
  const { promise: expired, reject } = Promise.withResolvers<never>();
  const expire = (): void => reject(new ReleaseTimeoutError(name));
  if (signal.aborted) expire();
  signal.addEventListener('abort', expire, { once: true });
  try {
    await Promise.race([work, expired]);
  } finally {
    signal.removeEventListener('abort', expire);
  }
}
