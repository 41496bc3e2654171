import type { Logger } from '@aico/shared/core/logging';
import { Deadline } from '../deadline.ts';
import { ExtensionTimeoutError } from './errors.ts';

/** Milliseconds that an extension may take to answer one call. */
const CALL_MS = 10_000;

/** The extensions that other plugins have added to a point. They change while those plugins start and stop. */
export interface Extensions<T> {
  /** The current number of extensions. */
  readonly size: number;
  /**
   * Calls `use` with each extension, one after the other: ordered by the priority of the plugin, then by its name, then by the
   * order in which the plugin added them. An extension that fails, or takes longer than 10 seconds, is logged under the name of
   * its plugin and left out of the result.
   *
   * @param use receives the extension, and a signal that is aborted at the deadline
   * @example const verdicts = await plugin.extensions(filters).collect((filter) => filter.judge(mail));
   */
  collect<R>(use: (extension: T, signal: AbortSignal) => R | Promise<R>): Promise<readonly R[]>;
}

/** The plugin that adds an extension. */
interface Extender {
  readonly plugin: string;
  readonly priority: number;
  readonly logger: () => Logger;
}

interface Entry {
  readonly by: Extender;
  readonly extension: unknown;
  /** Whether its last call failed: a series of failures is logged once. */
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

  /** The extensions of a point, for the plugin that offers it. */
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

  /** The number of extensions of all points. */
  get size(): number {
    return [...this.#entries.values()].reduce((sum, entries) => sum + entries.length, 0);
  }
}

/** Sorting is stable, so extensions of one plugin keep their order. */
function inOrder({ by: a }: Entry, { by: b }: Entry): number {
  if (a.priority !== b.priority) return a.priority - b.priority;
  return a.plugin < b.plugin ? -1 : Number(a.plugin > b.plugin);
}
