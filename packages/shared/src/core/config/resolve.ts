import { type Static, type TObject, type TSchema, Type } from 'typebox';
import { ConfigInvalidError, type ConfigProblem, type Origin } from './errors.ts';
import { declaredKeys, defaultsOf, nearestKey, propertiesOf, schemaProblems } from './schema.ts';
import { isSecretSchema, Secret } from './secret.ts';
import { emptyTree, freeze, isTree, leaves, merge, setAt, type Tree, valueAt } from './tree.ts';
import type { Layer } from './yaml-file.ts';

/** A part of the configuration with its schema: what a room or a plugin contributes. */
export interface SectionDefinition<S extends TObject = TObject> {
  /** Where it lies: `core.api_gateway`, `plugins.inbox`. */
  readonly path: string;
  readonly schema: S;
}

/** The environments a backend runs in. */
export const EnvironmentName = Type.Enum(['development', 'production', 'test'], { default: 'development' });
export type EnvironmentName = Static<typeof EnvironmentName>;

/** What every plugin's section may say besides its own keys. */
export const pluginKeys = {
  module: Type.Optional(Type.String({ description: "The plugin's folder, file or package." })),
  enabled: Type.Boolean({ default: true, description: 'Whether it is loaded.' }),
  required: Type.Optional(Type.Boolean({ description: 'Whether the start fails without it.' })),
};

/** All sections as one schema. */
export function combineSections(sections: Iterable<SectionDefinition>): TObject {
  const root: Nested = new Map<string, Nested | TSchema>([
    ['environment', EnvironmentName],
    ['plugins', new Map()],
  ]);
  for (const { path, schema } of sections) {
    const words = path.split('.');
    const last = words.pop() ?? path;
    let folder = root;
    for (const word of words) {
      const next = folder.get(word);
      const child: Nested = next instanceof Map ? next : new Map();
      folder.set(word, child);
      folder = child;
    }
    const plugin = words.length === 1 && words[0] === 'plugins';
    folder.set(last, plugin ? Type.Object({ ...pluginKeys, ...schema.properties }) : schema);
  }
  return toObject(root);
}

type Nested = Map<string, Nested | TSchema>;

function toObject(nested: Nested): TObject {
  return Type.Object(
    Object.fromEntries(
      [...nested].map(([word, value]) => [word, value instanceof Map ? toObject(value) : value]),
    ),
  );
}

/** The configuration as it is after all layers, and where each value came from. */
export interface Resolved {
  /** Frozen; secrets are {@link Secret}. */
  readonly tree: Tree;
  readonly originOf: (key: string) => Origin;
}

export interface Resolution {
  readonly resolved: Resolved;
  readonly problems: readonly ConfigProblem[];
}

/** Lays the layers on each other, lowest first, and holds the result against the schema. Reports all that is wrong. */
export function resolveLayers(schema: TObject, layers: readonly Layer[]): Resolution {
  let tree = defaultsOf(schema);
  for (const layer of layers) tree = merge(tree, layer.tree);
  const plugins = propertiesOf(propertiesOf(schema)?.plugins) ?? {};
  addPluginDefaults(tree, plugins);
  const originOf = (key: string): Origin => {
    for (const layer of layers.toReversed()) {
      for (let at = key; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('.')))) {
        const origin = valueAt(layer.tree, key.split('.')) === undefined ? undefined : layer.originOf(at);
        if (origin !== undefined) return origin;
      }
    }
    return { layer: 'default' };
  };
  const valid = [...declaredKeys(schema)];
  const problems = [...schemaProblems(schema, withoutForeignPlugins(tree, plugins), '')].map(
    ({ key, message, unknown }): ConfigProblem => {
      const nearest = unknown ? nearestKey(key, [...valid, ...foldersOf(valid)]) : undefined;
      return { key, message, origin: originOf(key), ...(nearest === undefined ? {} : { nearest }) };
    },
  );
  problems.push(...foreignPluginProblems(tree, plugins, originOf));
  return { resolved: { tree: freeze(hideSecrets(schema, tree)), originOf }, problems };
}

/** @throws {ConfigInvalidError} naming every problem */
export function assertValid({ resolved, problems }: Resolution): Resolved {
  if (problems.length > 0) throw new ConfigInvalidError(problems);
  return resolved;
}

/** Where a value does not fit, the default takes its place; unknown keys stay. For tools that must run regardless. */
export function dropInvalid(schema: TObject, layers: readonly Layer[]): Resolved {
  const { problems } = resolveLayers(schema, layers);
  const bad = new Set(problems.map(({ key }) => key));
  const cleaned = layers.map((layer): Layer => {
    const tree = emptyTree();
    for (const [key, value] of leaves(layer.tree)) {
      if (![...bad].some((problem) => key === problem || key.startsWith(`${problem}.`)))
        setAt(tree, key.split('.'), value);
    }
    return { ...layer, tree };
  });
  return resolveLayers(schema, cleaned).resolved;
}

function* foldersOf(keys: readonly string[]): Generator<string> {
  for (const key of keys) {
    for (let at = key.lastIndexOf('.'); at > 0; at = key.lastIndexOf('.', at - 1)) yield key.slice(0, at);
  }
}

type Schemas = Readonly<Record<string, TSchema>>;

/** A plugin that is not loaded has no schema here: only the keys common to all are checked. */
const FOREIGN = Type.Object(pluginKeys);

function addPluginDefaults(tree: Tree, known: Schemas): void {
  const plugins = tree.plugins;
  if (!isTree(plugins)) return;
  for (const [name, section] of Object.entries(plugins)) {
    if (isTree(section) && !Object.hasOwn(known, name)) plugins[name] = merge(defaultsOf(FOREIGN), section);
  }
}

function withoutForeignPlugins(tree: Tree, known: Schemas): Tree {
  const plugins = tree.plugins;
  if (!isTree(plugins)) return tree;
  const own = emptyTree();
  for (const [name, section] of Object.entries(plugins)) if (Object.hasOwn(known, name)) own[name] = section;
  return Object.assign(emptyTree(), tree, { plugins: own });
}

function* foreignPluginProblems(
  tree: Tree,
  known: Schemas,
  originOf: (key: string) => Origin,
): Generator<ConfigProblem> {
  const plugins = tree.plugins;
  if (!isTree(plugins)) return;
  for (const [name, section] of Object.entries(plugins)) {
    if (Object.hasOwn(known, name)) continue;
    const key = `plugins.${name}`;
    if (!isTree(section)) yield { key, message: 'must be a section with keys', origin: originOf(key) };
    else
      for (const found of schemaProblems(FOREIGN, section, key, true))
        yield { ...found, origin: originOf(found.key) };
  }
}

function hideSecrets(schema: unknown, tree: Tree): Tree {
  const hidden = emptyTree();
  const properties = propertiesOf(schema) ?? {};
  for (const [word, value] of Object.entries(tree)) {
    const property = Object.hasOwn(properties, word) ? properties[word] : undefined;
    if (isTree(value)) hidden[word] = hideSecrets(property, value);
    else if (property !== undefined && isSecretSchema(property) && typeof value === 'string')
      hidden[word] = new Secret(value);
    else hidden[word] = value;
  }
  return hidden;
}
