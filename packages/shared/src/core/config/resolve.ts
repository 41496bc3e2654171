import type { TObject } from 'typebox';
import { hideSecretsInTree, problemsIn, type SchemaProblem } from './check.ts';
import { type ConfigProblem, describeOrigin, type Origin } from './errors.ts';
import { type Layer, says } from './layer.ts';
import { nearestKey, parentOf, treeWithDefaults } from './schema.ts';
import { emptyTree, freeze, leaves, merge, setAt, type Tree } from './tree.ts';
import { variableFor } from './variable.ts';

/** The configuration as it is after all layers, and where each value came from. */
export interface Resolved {
  /** Frozen; secrets are `Secret`. */
  readonly tree: Tree;
  readonly originOf: (key: string) => Origin;
  /** Everything that is wrong. */
  readonly problems: readonly ConfigProblem[];
}

/**
 * Lays the layers on each other, lowest first, and holds each and the whole against the schema: a wrong value is
 * wrong even where a higher layer hides it.
 */
export function resolveLayers(schema: TObject, layers: readonly Layer[]): Resolved {
  const tree = treeWithDefaults(schema, overlay(layers));
  const originOf = (key: string): Origin => {
    for (const layer of layers.toReversed()) {
      const origin = says(layer, key) ? layer.originOf(key) : undefined;
      if (origin !== undefined) return origin;
    }
    return { layer: 'default' };
  };
  const problems = layers.flatMap((layer) => [
    ...layer.problems,
    ...[...problemsIn(schema, layer.tree, '', false)].map((found) =>
      toProblem(schema, found, layer.originOf(found.key) ?? { layer: 'default' }),
    ),
  ]);
  for (const found of problemsIn(schema, tree, '', true)) {
    problems.push(
      toProblem(
        schema,
        found,
        found.kind === 'missing' ? nearOrigin(found.key, originOf) : originOf(found.key),
      ),
    );
  }
  return { tree: freeze(hideSecretsInTree([schema], tree)), originOf, problems: withoutRepeats(problems) };
}

/**
 * For tools that must run regardless: a value that does not fit is left out of its layer, so that the one below it, or
 * the default, takes its place; what does not fit only as a whole (a choice between sections) is left out of all.
 * What even so is missing stays in `problems` of what is returned.
 */
export function resolveWithoutWrong(schema: TObject, layers: readonly Layer[]): Resolved {
  const fitting = layers.map((layer) => without(layer, wrongKeys(schema, layer.tree, false)));
  const wrong = wrongKeys(schema, treeWithDefaults(schema, overlay(fitting)), true);
  return resolveLayers(
    schema,
    fitting.map((layer) => without(layer, wrong)),
  );
}

export function overlay(layers: readonly Layer[]): Tree {
  return layers.reduce((tree, layer) => merge(tree, layer.tree), emptyTree());
}

function wrongKeys(schema: TObject, tree: Tree, whole: boolean): readonly string[] {
  return [...problemsIn(schema, tree, '', whole)]
    .filter(({ kind }) => kind !== 'missing')
    .map(({ key }) => key);
}

function without(layer: Layer, wrong: readonly string[]): Layer {
  const tree = emptyTree();
  for (const [key, value] of leaves(layer.tree)) {
    // A problem may lie above a value, or inside one: in the items of a list.
    const isWrong = wrong.some(
      (problem) => key === problem || key.startsWith(`${problem}.`) || problem.startsWith(`${key}.`),
    );
    if (!isWrong) setAt(tree, key.split('.'), value);
  }
  return { ...layer, tree, problems: [] };
}

function toProblem(schema: TObject, { key, message, kind }: SchemaProblem, origin: Origin): ConfigProblem {
  const nearest = kind === 'unknown' ? nearestKey(key, schema) : undefined;
  const way = kind === 'missing' ? ` (as ${variableFor(key)}, or in the file)` : '';
  return { key, message: message + way, origin, ...(nearest === undefined ? {} : { nearest }) };
}

/** Where something that is missing would belong: by what stands around it. */
function nearOrigin(key: string, originOf: (key: string) => Origin): Origin {
  for (let at = parentOf(key); at !== ''; at = parentOf(at)) {
    const origin = originOf(at);
    if (origin.layer !== 'default') return origin;
  }
  return { layer: 'default' };
}

/** A layer's own word comes before the whole's on the same place, and is more exact. */
function withoutRepeats(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  const first = new Map<string, ConfigProblem>();
  for (const problem of problems) {
    const place = `${describeOrigin(problem.origin)} ${problem.key === '' ? problem.message : problem.key}`;
    if (!first.has(place)) first.set(place, problem);
  }
  return [...first.values()];
}
