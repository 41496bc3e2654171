import type { ConfigProblem, Origin } from './errors.ts';
import { parentOf } from './schema.ts';
import { emptyTree, isTree, type Tree } from './tree.ts';

/** Values by key, where each one came from, and what was wrong while they were read. */
export interface Layer {
  readonly tree: Tree;
  /** Of the key itself, else of the nearest key above it, else of one below it. */
  readonly originOf: (key: string) => Origin | undefined;
  readonly problems: readonly ConfigProblem[];
}

export function layerOf(
  tree: Tree,
  origins: ReadonlyMap<string, Origin>,
  problems: readonly ConfigProblem[] = [],
): Layer {
  const originOf = (key: string): Origin | undefined => {
    for (let at = key; at !== ''; at = parentOf(at)) {
      const origin = origins.get(at);
      if (origin !== undefined) return origin;
    }
    // A section as a whole has no place in variables, but its keys do.
    return [...origins].find(([each]) => each.startsWith(`${key}.`))?.[1];
  };
  return { tree, originOf, problems };
}

export function emptyLayer(problems: readonly ConfigProblem[] = []): Layer {
  return { tree: emptyTree(), originOf: () => undefined, problems };
}

export function runtimeLayer(tree: Tree): Layer {
  return { tree, originOf: () => ({ layer: 'runtime' }), problems: [] };
}

/** Whether the layer says something at a key, in lists too. */
export function says(layer: Layer, key: string): boolean {
  let value: unknown = layer.tree;
  for (const word of key.split('.')) {
    if (!(isTree(value) || Array.isArray(value)) || !Object.hasOwn(value, word)) return false;
    value = Reflect.get(value, word);
  }
  return true;
}
