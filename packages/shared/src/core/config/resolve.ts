import type { TObject } from 'typebox';
import { hideSecretsInTree, problemsIn, type SchemaProblem } from './check.ts';
import { type ConfigProblem, describeOrigin, type Origin } from './errors.ts';
import { type Layer, says } from './layer.ts';
import { nearestKey, parentOf, treeWithDefaults } from './schema.ts';
import { emptyTree, freeze, leaves, merge, setAt, type Tree } from './tree.ts';
import { variableFor } from './variable.ts';

/** The configuration after all layers, and the origin of each value. */
export interface Resolved {
  /** Frozen; secrets are `Secret`. */
  readonly tree: Tree;
  readonly originOf: (key: string) => Origin;
  /** All problems. */
  readonly problems: readonly ConfigProblem[];
}

/**
 * Merges the layers, lowest first, and checks each one and the whole against the schema: a wrong value is a problem even
 * where a higher layer overrides it.
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
 * For tools that must run in any case: a wrong value is left out of its layer, so that the value below it or the default
 * applies; a section that is wrong only as a whole (a choice) is left out of all layers. The `problems` of the result are
 * the required keys that are still missing.
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
    // A problem may concern a section above the value, or an item of a list in it.
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

/** The origin for a missing key: that of the nearest section above it which some layer sets. */
function nearOrigin(key: string, originOf: (key: string) => Origin): Origin {
  for (let at = parentOf(key); at !== ''; at = parentOf(at)) {
    const origin = originOf(at);
    if (origin.layer !== 'default') return origin;
  }
  return { layer: 'default' };
}

/** Keeps the first problem of each place: that of a layer is more exact than that of the whole, and comes first. */
function withoutRepeats(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  const first = new Map<string, ConfigProblem>();
  for (const problem of problems) {
    const place = `${describeOrigin(problem.origin)} ${problem.key === '' ? problem.message : problem.key}`;
    if (!first.has(place)) first.set(place, problem);
  }
  return [...first.values()];
}
