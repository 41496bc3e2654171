import { ConfigListenerError } from './errors.ts';
import { sameValue } from './plain-value.ts';
import { isTree, leaves, type Tree } from './tree.ts';

/** One value that is another than before; `undefined` where there is, or was, none. */
export interface ConfigChange {
  readonly key: string;
  readonly previous: unknown;
  readonly value: unknown;
}

interface Listener {
  readonly key: string;
  readonly notify: (change: ConfigChange) => void;
}

/** Those who want to be told of changes. */
export class ChangeListeners {
  readonly #listeners = new Set<Listener>();

  add(key: string, notify: (change: ConfigChange) => void): () => void {
    const listener: Listener = { key, notify };
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /**
   * Tells each listener of every change at its key or below it.
   *
   * @throws {ConfigListenerError} when listeners failed, after all were told
   */
  tell(before: Tree, after: Tree): void {
    const changes = changesBetween(before, after);
    const failures: unknown[] = [];
    for (const listener of [...this.#listeners]) {
      for (const change of changes) {
        if (change.key !== listener.key && !change.key.startsWith(`${listener.key}.`)) continue;
        // One that an earlier listener took off is not told any more.
        if (!this.#listeners.has(listener)) break;
        try {
          listener.notify(change);
        } catch (error) {
          failures.push(error);
        }
      }
    }
    if (failures.length > 0) throw new ConfigListenerError(failures);
  }
}

function changesBetween(before: Tree, after: Tree): readonly ConfigChange[] {
  const old = valuesOf(before);
  const now = valuesOf(after);
  return [...new Set([...old.keys(), ...now.keys()])]
    .map((key): ConfigChange => ({ key, previous: old.get(key), value: now.get(key) }))
    .filter(({ previous, value }) => !sameValue(previous, value));
}

/** A section without values is none. */
function valuesOf(tree: Tree): ReadonlyMap<string, unknown> {
  return new Map([...leaves(tree)].filter(([, value]) => !isTree(value)));
}
