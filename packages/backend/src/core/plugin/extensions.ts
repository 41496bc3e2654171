import type { Logger } from '@aico/shared/core/logging';
import { Deadline } from '../deadline.ts';
import { ExtensionTimeoutError } from '../errors.ts';

/** Milliseconds that an extension may take to answer one call. */
const CALL_MS = 10_000;

/** The extensions that other plugins have put into a point; they change while those plugins start and stop. */
export interface Extensions<T> {
  /** How many there are now. */
  readonly size: number;
  /**
   * Calls `use` with each extension, one after the other: those of plugins with a lower priority first, then by the name of
   * the plugin, then in the order in which the plugin added them. One that fails, or takes longer than 10 seconds, is
   * logged under the name of its plugin and left out of the result.
   *
   * @param use receives the extension, and a signal that is aborted when its time is up
   * @example const verdicts = await plugin.extensions(filters).collect((filter) => filter.judge(mail));
   */
  collect<R>(use: (extension: T, signal: AbortSignal) => R | Promise<R>): Promise<readonly R[]>;
}

/** The plugin that adds an extension. */
export interface Extender {
  readonly plugin: string;
  readonly priority: number;
  readonly logger: () => Logger;
}

interface Entry {
  readonly by: Extender;
  readonly extension: unknown;
  /** Whether its last call failed: a series of failures is one line of the log. */
  isFailing: boolean;
}

/** The extensions of all points, by the name of the point. */
export class ExtensionRegistry {
  readonly #entries = new Map<string, readonly Entry[]>();

  /** @returns removes the extension */
  add(point: string, by: Extender, extension: unknown): () => void {
    const entry: Entry = { by, extension, isFailing: false };
    this.#entries.set(point, [...(this.#entries.get(point) ?? []), entry].sort(inOrder));
    return () => {
      const rest = (this.#entries.get(point) ?? []).filter((each) => each !== entry);
      if (rest.length > 0) this.#entries.set(point, rest);
      else this.#entries.delete(point);
    };
  }

  /** The extensions of a point, as the plugin that offers it sees them. */
  at<T>(point: string, timeoutMs = CALL_MS): Extensions<T> {
    const entries = (): readonly Entry[] => this.#entries.get(point) ?? [];
    return {
      get size() {
        return entries().length;
      },
      async collect(use) {
        const results = [];
        for (const entry of entries()) {
          using deadline = new Deadline(timeoutMs);
          try {
            // `fill` has checked the type of the extension against that of the point.
            const answer = Promise.try(use, entry.extension as T, deadline.signal);
            if (!(await deadline.settles(answer)))
              throw new ExtensionTimeoutError(point, entry.by.plugin, timeoutMs);
            results.push(await answer);
            entry.isFailing = false;
          } catch (error) {
            if (!entry.isFailing)
              entry.by.logger().error(`The extension of ${point} failed and is left out`, { point, error });
            entry.isFailing = true;
          }
        }
        return results;
      },
    };
  }

  /** How many extensions there are of all points. */
  get size(): number {
    return [...this.#entries.values()].reduce((sum, entries) => sum + entries.length, 0);
  }
}

/** Sorting is stable, so that extensions of one plugin keep their order. */
function inOrder({ by: a }: Entry, { by: b }: Entry): number {
  if (a.priority !== b.priority) return a.priority - b.priority;
  return a.plugin < b.plugin ? -1 : Number(a.plugin > b.plugin);
}
