import { type TObject, type TSchema, Type } from 'typebox';
import { ConfigSchemaError } from './errors.ts';
import { isReservedVariable, variableFor, wordInVariable } from './variable.ts';

/** A part of the configuration and its schema, as a part of the backend or a plugin declares it. */
export interface SectionDefinition<S extends TObject = TObject> {
  /** Its key: `core.api_gateway`, `plugins.inbox`. */
  readonly path: string;
  readonly schema: S;
}

/**
 * Declares a section, and keeps the type of its schema.
 *
 * @example
 * ```ts
 * const gateway = defineSection('core.api_gateway', Type.Object({ port: Type.Integer({ default: 8771 }) }));
 * config.section(gateway).port; // a number
 * ```
 */
export function defineSection<S extends TObject>(path: string, schema: S): SectionDefinition<S> {
  return { path, schema };
}

/** The environments of a backend. */
const EnvironmentName = Type.Enum(['development', 'production', 'test'], { default: 'development' });

/** The keys of every plugin's section, besides its own. */
const pluginKeys = {
  module: Type.Optional(Type.String({ description: "The plugin's folder, file or package." })),
  enabled: Type.Boolean({ default: true, description: 'Whether it is loaded.' }),
  required: Type.Optional(Type.Boolean({ description: 'Whether the start fails without it.' })),
};

/** The section of a plugin that is not loaded: only the keys common to all plugins are checked. */
const ForeignPlugin = Type.Object(pluginKeys, { additionalProperties: true });

type Nested = Map<string, Nested | TSchema>;

/**
 * Combines all sections to one schema.
 *
 * @throws {ConfigSchemaError} when two sections overlap, or a key cannot be written in a file or as a variable
 */
export function combineSections(sections: Iterable<SectionDefinition>): TObject {
  const plugins: Nested = new Map();
  const root: Nested = new Map<string, Nested | TSchema>([
    ['environment', EnvironmentName],
    ['plugins', plugins],
  ]);
  for (const { path, schema } of sections) {
    const words = path.split('.');
    checkWords(path, words);
    checkSchema(path, schema);
    if (isReservedVariable(variableFor(path))) throw taken(path, `${variableFor(path)} means something else`);
    const isPlugin = words[0] === 'plugins';
    if (isPlugin && words.length !== 2) throw taken(path, 'a plugin has one section, plugins.<name>');
    for (const word of isPlugin ? Object.keys(pluginKeys) : []) {
      if (Object.hasOwn(schema.properties, word))
        throw taken(`${path}.${word}`, 'every plugin has this key already');
    }
    const last = words.pop() ?? path;
    let folder = root;
    for (const word of words) {
      const next = folder.get(word) ?? new Map();
      if (!(next instanceof Map)) throw taken(path, 'another section lies above it');
      folder.set(word, next);
      folder = next;
    }
    if (folder.has(last)) throw taken(path, 'another section lies there or below it');
    folder.set(last, isPlugin ? withPluginKeys(schema) : schema);
  }
  return toObject(root, plugins);
}

function toObject(nested: Nested, plugins: Nested): TObject {
  const properties = Object.fromEntries(
    [...nested].map(([word, value]) => [word, value instanceof Map ? toObject(value, plugins) : value]),
  );
  checkVariables(properties);
  return Type.Object(properties, nested === plugins ? { additionalProperties: ForeignPlugin } : {});
}

function withPluginKeys(schema: TObject): TSchema {
  const { type: _type, properties, required: _required, ...options } = schema;
  const plugin = Type.Object({ ...properties, ...pluginKeys }, options);
  if (!Type.IsRefine(schema)) return plugin;
  // The plugin's refinements of its section as a whole stay in force.
  return schema['~refine'].reduce<TSchema>(
    (refined, { check, error }) => Type.Refine(refined, check, error),
    plugin,
  );
}

function taken(path: string, reason: string): ConfigSchemaError {
  return new ConfigSchemaError(path, reason, 'Choose another path: each section has a place of its own.');
}

function checkSchema(section: string, schema: TObject): void {
  checkWords(section, Object.keys(schema.properties));
  checkVariables(schema.properties, section);
  for (const property of Object.values(schema.properties)) {
    if (Type.IsObject(property)) checkSchema(section, property);
  }
}

/** One word of a key. It must survive in the name of a variable, where `__` separates words. */
const WORD = /^[a-z0-9]+(?:[_-][a-z0-9]+)*$/i;
const UNUSABLE: ReadonlySet<string> = new Set(['constructor', 'prototype']);

/** Whether a word can be part of a key, in a file and as a variable. */
export function isKeyWord(word: string): boolean {
  return WORD.test(word) && !UNUSABLE.has(word);
}

function checkWords(section: string, words: readonly string[]): void {
  const bad = words.find((word) => !isKeyWord(word));
  if (bad === undefined) return;
  throw new ConfigSchemaError(
    section,
    `"${bad}" cannot be a key`,
    'Keys are letters and digits, with single underscores or hyphens between them: max_message_mib.',
  );
}

function checkVariables(properties: Readonly<Record<string, TSchema>>, section = 'root'): void {
  const spelt = new Map<string, string>();
  for (const word of Object.keys(properties)) {
    const other = spelt.get(wordInVariable(word));
    if (other !== undefined) {
      throw new ConfigSchemaError(
        section,
        `"${other}" and "${word}" would have the same environment variable`,
        'Name them so that they differ by more than case and hyphens.',
      );
    }
    spelt.set(wordInVariable(word), word);
  }
}
