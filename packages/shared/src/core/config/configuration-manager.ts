import { isDeepStrictEqual } from 'node:util';
import type { Static, TObject } from 'typebox';
import type { AICOPaths } from '../paths/index.ts';
import { type Environment, readEnvironmentLayer } from './environment-layer.ts';
import { type ConfigProblem, ConfigStateError, type Origin } from './errors.ts';
import {
  assertValid,
  combineSections,
  dropInvalid,
  type Resolved,
  resolveLayers,
  type SectionDefinition,
} from './resolve.ts';
import { schemaAt } from './schema.ts';
import { REDACTED, Secret } from './secret.ts';
import { ConfigSection, readValue, type ValueLike } from './section.ts';
import { emptyTree, isTree, leaves, merge, setAt, splitKey, type Tree, valueAt } from './tree.ts';
import { emptyLayer, type Layer, readYamlLayer } from './yaml-file.ts';

export interface ConfigurationManagerOptions {
  /** Where the files lie. Without it there are no files. */
  readonly paths?: Pick<AICOPaths, 'configFile' | 'environmentFile'>;
  readonly sections?: readonly SectionDefinition[];
  /** Default `process.env`. */
  readonly env?: Environment;
  /** Values set at runtime from the start, by dotted key. */
  readonly overrides?: Readonly<Record<string, unknown>>;
}

export interface InitializeOptions {
  /**
   * For tools: what is wrong is kept in {@link ConfigurationManager.problems} instead of thrown, and the defaults take
   * its place. Default `false`.
   */
  readonly lightweight?: boolean;
}

/** One value and where it came from. */
export interface ConfigEntry {
  readonly key: string;
  /** Secrets, and values no loaded schema describes, are `[redacted]`. */
  readonly value: unknown;
  readonly origin: Origin;
}

export interface ConfigChange {
  readonly key: string;
  readonly previous: unknown;
  readonly value: unknown;
}

interface Sources {
  readonly environmentFile: Layer;
  readonly userFile: Layer;
  readonly variables: Environment;
}

interface Listener {
  readonly key: string;
  readonly notify: (change: ConfigChange) => void;
}

/**
 * The configuration in five layers, each over the one before: defaults, the environment's file, the user's file,
 * environment variables, and what is set at runtime.
 *
 * @example
 * ```ts
 * const config = new ConfigurationManager({ paths: new AICOPaths() });
 * await config.initialize();
 * const port = config.get('core.api_gateway', {}).get('rest.port', 8771);
 * ```
 */
export class ConfigurationManager {
  readonly #paths: ConfigurationManagerOptions['paths'];
  readonly #env: Environment;
  readonly #sections = new Map<string, SectionDefinition>();
  readonly #listeners = new Set<Listener>();
  #schema: TObject;
  #sources: Sources | undefined;
  #runtime: Tree;
  #resolved: Resolved | undefined;
  #lightweight = false;
  #problems: readonly ConfigProblem[] = [];

  constructor({ paths, sections = [], env = process.env, overrides = {} }: ConfigurationManagerOptions = {}) {
    this.#paths = paths;
    this.#env = env;
    for (const section of sections) this.#sections.set(section.path, section);
    this.#schema = combineSections(this.#sections.values());
    this.#runtime = emptyTree();
    for (const [key, value] of Object.entries(overrides)) setAt(this.#runtime, splitKey(key), value);
  }

  /**
   * Reads files and variables and checks them.
   *
   * @throws {ConfigSyntaxError} when a file is not YAML
   * @throws {ConfigUnreadableError} when a file cannot be read
   * @throws {ConfigInvalidError} naming everything that does not fit; neither of the three when `lightweight`
   */
  async initialize({ lightweight = false }: InitializeOptions = {}): Promise<void> {
    this.#lightweight = lightweight;
    const sources = await this.#readSources();
    this.#resolved = this.#resolve(sources, this.#runtime);
    this.#sources = sources;
  }

  /** What is wrong, where `lightweight` let it pass. */
  get problems(): readonly ConfigProblem[] {
    return this.#problems;
  }

  /**
   * The value at a dotted key, or `fallback` where there is none. A section comes as {@link ConfigSection}.
   *
   * @throws {ConfigTypeError} when the value is of another type than `fallback`
   * @throws {ConfigStateError} before `initialize()`
   */
  get<F = unknown>(key: string, fallback?: F): ValueLike<F> {
    return readValue(this.#current().tree, '', key, fallback) as ValueLike<F>;
  }

  /**
   * A registered section, typed by its schema and frozen.
   *
   * @throws {ConfigStateError} before `initialize()`, or when the path was registered with another schema
   */
  section<S extends TObject>({ path, schema }: SectionDefinition<S>): Static<S> {
    if (this.#sections.get(path)?.schema !== schema) {
      throw new ConfigStateError(
        `the section ${path} is not registered with this schema`,
        'Pass it in `sections`, or call registerSection() first.',
      );
    }
    // What stands here has passed this very schema.
    return (valueAt(this.#current().tree, splitKey(path)) ?? emptyTree()) as Static<S>;
  }

  /**
   * Adds a section, a plugin's `plugins.<name>` for one, and gives its value. The rest of the configuration keeps.
   *
   * @throws {ConfigInvalidError} when what the layers say does not fit it; it is then not registered
   * @throws {ConfigStateError} when the path has another schema already
   */
  registerSection<S extends TObject>(section: SectionDefinition<S>): Static<S> {
    const present = this.#sections.get(section.path);
    if (present !== undefined && present.schema !== section.schema) {
      throw new ConfigStateError(
        `the section ${section.path} has a schema already`,
        'Two owners cannot describe one section; choose another name.',
      );
    }
    const schemaBefore = this.#schema;
    this.#sections.set(section.path, section);
    this.#schema = combineSections(this.#sections.values());
    try {
      if (this.#sources !== undefined) this.#resolved = this.#resolve(this.#sources, this.#runtime);
    } catch (error) {
      if (present === undefined) this.#sections.delete(section.path);
      this.#schema = schemaBefore;
      throw error;
    }
    return this.section(section);
  }

  /**
   * Sets a value over all other layers until the process ends.
   *
   * @throws {ConfigInvalidError} when it does not fit; nothing is changed then
   */
  set(key: string, value: unknown): void {
    const runtime = merge(emptyTree(), this.#runtime);
    setAt(runtime, splitKey(key), value);
    this.#replace(this.#resolve(this.#readySources(), runtime));
    this.#runtime = runtime;
  }

  /**
   * Reads files and variables again. When they are not valid the configuration stays as it is.
   *
   * @throws as `initialize()` does
   */
  async reload(): Promise<void> {
    const sources = await this.#readSources();
    this.#replace(this.#resolve(sources, this.#runtime));
    this.#sources = sources;
  }

  /** Calls `notify` for each changed value at `key` or below it, until the returned function is called. */
  onChange(key: string, notify: (change: ConfigChange) => void): () => void {
    const listener: Listener = { key, notify };
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A value and where it came from; `undefined` where there is none, or a section. */
  explain(key: string): ConfigEntry | undefined {
    const value = valueAt(this.#current().tree, splitKey(key));
    return value === undefined || isTree(value) ? undefined : this.#entry(key, value);
  }

  /** Every value with its origin, sorted by key. */
  entries(): readonly ConfigEntry[] {
    return [...leaves(this.#current().tree)]
      .filter(([, value]) => !isTree(value))
      .map(([key, value]) => this.#entry(key, value))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** The whole, redacted. */
  toJSON(): Record<string, unknown> {
    const tree = emptyTree();
    for (const { key, value } of this.entries()) setAt(tree, key.split('.'), value);
    return new ConfigSection('', tree).toObject();
  }

  #entry(key: string, value: unknown): ConfigEntry {
    const described = schemaAt(this.#schema, key.split('.')) !== undefined || isCommonPluginKey(key);
    const shown = value instanceof Secret || !described ? REDACTED : value;
    return { key, value: shown, origin: this.#current().originOf(key) };
  }

  async #readSources(): Promise<Sources> {
    const read = (file: string | undefined, layer: 'environment file' | 'user file'): Promise<Layer> =>
      file === undefined ? Promise.resolve(emptyLayer()) : this.#tolerate(readYamlLayer(file, layer));
    const userFile = await read(this.#paths?.configFile, 'user file');
    const own: Sources = { environmentFile: emptyLayer(), userFile, variables: this.#env };
    const environment = dropInvalid(this.#schema, this.#layers(own, this.#runtime)).tree.environment;
    return {
      ...own,
      environmentFile: await read(this.#paths?.environmentFile(String(environment)), 'environment file'),
    };
  }

  #tolerate(layer: Promise<Layer>): Promise<Layer> {
    return this.#lightweight ? layer.catch(() => emptyLayer()) : layer;
  }

  #layers({ environmentFile, userFile, variables }: Sources, runtime: Tree): readonly Layer[] {
    const set: Layer = { tree: runtime, originOf: () => ({ layer: 'runtime' }) };
    return [environmentFile, userFile, readEnvironmentLayer(variables, this.#schema), set];
  }

  #resolve(sources: Sources, runtime: Tree): Resolved {
    const layers = this.#layers(sources, runtime);
    const resolution = resolveLayers(this.#schema, layers);
    if (!this.#lightweight) return assertValid(resolution);
    this.#problems = resolution.problems;
    return dropInvalid(this.#schema, layers);
  }

  #replace(next: Resolved): void {
    const before = new Map(leaves(this.#current().tree));
    const after = new Map(leaves(next.tree));
    this.#resolved = next;
    for (const key of new Set([...before.keys(), ...after.keys()])) {
      const change = { key, previous: before.get(key), value: after.get(key) };
      if (sameValue(change.previous, change.value)) continue;
      for (const listener of this.#listeners) {
        if (key === listener.key || key.startsWith(`${listener.key}.`)) listener.notify(change);
      }
    }
  }

  #current(): Resolved {
    if (this.#resolved !== undefined) return this.#resolved;
    throw new ConfigStateError('the configuration has not been read yet', 'Await initialize() first.');
  }

  #readySources(): Sources {
    if (this.#sources !== undefined) return this.#sources;
    throw new ConfigStateError('the configuration has not been read yet', 'Await initialize() first.');
  }
}

function isCommonPluginKey(key: string): boolean {
  return /^plugins\.[^.]+\.(?:module|enabled|required)$/.test(key);
}

function sameValue(a: unknown, b: unknown): boolean {
  return a instanceof Secret && b instanceof Secret ? a.equals(b) : isDeepStrictEqual(a, b);
}
