import type { ConfigProblem, Origin } from './errors.ts';
import { parentOf } from './schema.ts';
import { emptyTree, isTree, type Tree } from './tree.ts';

/** The values of one layer, their origins, and the problems that were found while they were read. */
export interface Layer {
  readonly tree: Tree;
  /** The origin of a key, else of the nearest key above it, else of a key below it. */
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
    // Variables set the keys of a section and never the section itself.
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

/** Whether the layer has a value at a key, which may lead into a list. */
export function says(layer: Layer, key: string): boolean {
  let value: unknown = layer.tree;
  for (const word of key.split('.')) {
    if (!(isTree(value) || Array.isArray(value)) || !Object.hasOwn(value, word)) return false;
    value = Reflect.get(value, word);
  }
  return true;
}
