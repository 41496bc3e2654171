import type { Static, TObject } from 'typebox';
import { createMutex } from '../tasks/index.ts';
import { ChangeListeners, type ConfigChange } from './changes.ts';
import type { Environment } from './environment-layer.ts';
import { ConfigInvalidError, type ConfigProblem, ConfigStateError, type Origin } from './errors.ts';
import { copyPlain } from './plain-value.ts';
import { type Resolved, resolveLayers, resolveWithoutWrong } from './resolve.ts';
import { schemasAt } from './schema.ts';
import { REDACTED } from './secret.ts';
import {
  ConfigSection,
  plainObject,
  readValue,
  redacted,
  redactedValue,
  type ValueLike,
  type View,
} from './section.ts';
import { combineSections, EnvironmentName, type SectionDefinition } from './sections.ts';
import { type ConfigFiles, layersOf, readSources, type Sources } from './sources.ts';
import { emptyTree, isTree, leaves, merge, setAt, splitKey, type Tree, valueAt } from './tree.ts';
import { watchFiles } from './watch.ts';

export interface ConfigurationManagerOptions {
  /** Where the files lie. Without it there are no files. */
  readonly paths?: ConfigFiles;
  /** What is known besides `environment` and the plugins. Others are added by `registerSection()`. */
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
  /** The environment, over what every layer says of it. */
  readonly environment?: string;
}

/** One value and where it came from. */
export interface ConfigEntry {
  readonly key: string;
  /** Secrets, and values no loaded schema describes, are `[redacted]`. */
  readonly value: unknown;
  readonly origin: Origin;
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
  readonly #files: ConfigFiles | undefined;
  readonly #env: Environment;
  readonly #sections = new Map<string, SectionDefinition>();
  readonly #listeners = new ChangeListeners();
  #schema: TObject;
  #runtime: Tree;
  #state: State = { phase: 'new' };
  /** Reloads run one after another, so that what was read last is what stays. */
  readonly #exclusive = createMutex();

  /** @throws {ConfigSchemaError} when two sections claim one place, or a key could not be written anywhere */
  constructor({ paths, sections = [], env = process.env, overrides = {} }: ConfigurationManagerOptions = {}) {
    this.#files = paths;
    this.#env = env;
    this.#schema = combineSections(sections);
    for (const section of sections) this.#sections.set(section.path, section);
    this.#runtime = emptyTree();
    for (const [key, value] of Object.entries(overrides))
      setAt(this.#runtime, splitKey(key), copyPlain(value, key));
  }

  /**
   * Reads files and variables and checks them.
   *
   * @throws {ConfigSyntaxError} when a file is not YAML
   * @throws {ConfigUnreadableError} when a file cannot be read
   * @throws {ConfigInvalidError} naming everything that does not fit; none of the three when `lightweight`
   */
  async initialize({ lightweight = false, environment }: InitializeOptions = {}): Promise<void> {
    const runtime = merge(emptyTree(), this.#runtime);
    if (environment !== undefined) runtime.environment = environment;
    const sources = await this.#read(runtime, lightweight);
    this.#state = this.#resolve(sources, runtime, lightweight);
    this.#runtime = runtime;
  }

  /** What is wrong, where `lightweight` let it pass. */
  get problems(): readonly ConfigProblem[] {
    return this.#state.phase === 'ready' ? this.#state.problems : [];
  }

  /**
   * The value at a dotted key, or `fallback` where there is none. A section comes as {@link ConfigSection}.
   *
   * @throws {ConfigTypeError} when the value is of another type than `fallback`
   * @throws {ConfigStateError} before `initialize()`
   */
  get<F = unknown>(key: string, fallback?: F): ValueLike<F> {
    // readValue() has compared the value's type with the fallback's.
    return readValue(this.#view(), '', key, fallback) as ValueLike<F>;
  }

  /**
   * A registered section, typed by its schema and frozen.
   *
   * @throws {ConfigStateError} before `initialize()`, or when the path was registered with another schema
   * @throws {ConfigInvalidError} when it was read `lightweight` and lacks what it needs
   */
  section<S extends TObject>({ path, schema }: SectionDefinition<S>): Static<S> {
    const { resolved } = this.#ready();
    if (this.#sections.get(path)?.schema !== schema) {
      throw new ConfigStateError(
        `the section ${path} is not registered with this schema`,
        'Pass it in `sections`, or call registerSection() first.',
      );
    }
    const unmet = resolved.problems.filter(({ key }) => key === path || key.startsWith(`${path}.`));
    if (unmet.length > 0) throw new ConfigInvalidError(unmet);
    // What stands here has passed this very schema.
    return (valueAt(resolved.tree, splitKey(path)) ?? emptyTree()) as Static<S>;
  }

  /**
   * Adds a section, a plugin's `plugins.<name>` for one, and gives its value. The rest of the configuration keeps.
   *
   * @throws {ConfigInvalidError} when what the layers say does not fit it; it is then not registered
   * @throws {ConfigSchemaError} when the path has another schema already, or the schema cannot stand there
   */
  registerSection<S extends TObject>(section: SectionDefinition<S>): Static<S> {
    const state = this.#ready();
    if (this.#sections.get(section.path)?.schema === section.schema) return this.section(section);
    const before = this.#schema;
    this.#schema = combineSections([...this.#sections.values(), section]);
    this.#sections.set(section.path, section);
    try {
      this.#state = this.#resolve(state.sources, this.#runtime, state.lightweight);
      return this.section(section);
    } catch (error) {
      this.#sections.delete(section.path);
      this.#schema = before;
      this.#state = state;
      throw error;
    }
  }

  /**
   * Sets a value, or the values of a section, over all other layers until the process ends.
   *
   * @throws {ConfigInvalidError} when it does not fit; nothing is changed then
   * @throws {ConfigListenerError} when it is in force and a listener to changes failed
   */
  set(key: string, value: unknown): void {
    const { sources, lightweight } = this.#ready();
    const runtime = merge(emptyTree(), this.#runtime);
    setAt(runtime, splitKey(key), copyPlain(value, key));
    const next = this.#resolve(sources, runtime, lightweight);
    const own = next.problems.filter(({ origin }) => origin.layer === 'runtime');
    if (own.length > 0) throw new ConfigInvalidError(own);
    this.#runtime = runtime;
    this.#replace(next);
  }

  /**
   * Reads files and variables again. When they are not valid the configuration stays as it is.
   *
   * @throws as `initialize()` does, and {ConfigListenerError} when it is in force and a listener to changes failed
   */
  reload(): Promise<void> {
    return this.#exclusive(async () => {
      const { lightweight } = this.#ready();
      const sources = await this.#read(this.#runtime, lightweight);
      this.#replace(this.#resolve(sources, this.#runtime, lightweight));
    });
  }

  /**
   * Reloads by itself when a file changes, until the returned function is called. Off unless this is called.
   *
   * @param failed told why a reload was refused; the configuration is then as it was
   * @throws the system's error when the folder of the files cannot be watched
   */
  watch(failed: (error: unknown) => void): () => void {
    this.#ready();
    const files = this.#files;
    if (files === undefined) return () => undefined;
    const watched = [files.configFile, ...EnvironmentName.enum.map((name) => files.environmentFile(name))];
    return watchFiles(watched, () => void this.reload().catch(failed), failed);
  }

  /** Calls `notify` for each changed value at `key` or below it, until the returned function is called. */
  onChange(key: string, notify: (change: ConfigChange) => void): () => void {
    return this.#listeners.add(splitKey(key).join('.'), notify);
  }

  /** A value and where it came from; `undefined` where there is none, or a section. */
  explain(key: string): ConfigEntry | undefined {
    const value = valueAt(this.#ready().resolved.tree, splitKey(key));
    return value === undefined || isTree(value) ? undefined : this.#entry(key, value);
  }

  /** Every value with its origin, sorted by key. */
  entries(): readonly ConfigEntry[] {
    return [...leaves(this.#ready().resolved.tree)]
      .filter(([, value]) => !isTree(value))
      .map(([key, value]) => this.#entry(key, value))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** The whole, redacted. */
  toJSON(): Record<string, unknown> {
    return plainObject(redacted(this.#view(), ''));
  }

  #entry(key: string, value: unknown): ConfigEntry {
    const { resolved } = this.#ready();
    const shown = this.#view().describes(key) ? redactedValue(value) : REDACTED;
    return { key, value: shown, origin: resolved.originOf(key) };
  }

  #view(): View {
    return {
      tree: this.#ready().resolved.tree,
      describes: (key) => schemasAt(this.#schema, key.split('.')).length > 0,
    };
  }

  #read(runtime: Tree, tolerant: boolean): Promise<Sources> {
    return readSources({
      files: this.#files,
      variables: this.#env,
      schema: this.#schema,
      runtime,
      tolerant,
    });
  }

  /** @throws {ConfigInvalidError} unless `lightweight` */
  #resolve(sources: Sources, runtime: Tree, lightweight: boolean): Ready {
    const layers = layersOf(sources, this.#schema, runtime);
    const resolved = resolveLayers(this.#schema, layers);
    const { problems } = resolved;
    if (problems.length === 0) return { phase: 'ready', sources, resolved, problems, lightweight };
    if (!lightweight) throw new ConfigInvalidError(problems);
    const without = resolveWithoutWrong(this.#schema, layers);
    return { phase: 'ready', sources, resolved: without, problems, lightweight };
  }

  #replace(next: Ready): void {
    const before = this.#ready().resolved.tree;
    this.#state = next;
    this.#listeners.tell(before, next.resolved.tree);
  }

  #ready(): Ready {
    if (this.#state.phase === 'ready') return this.#state;
    throw new ConfigStateError('the configuration has not been read yet', 'Await initialize() first.');
  }
}

interface Ready {
  readonly phase: 'ready';
  readonly sources: Sources;
  readonly resolved: Resolved;
  /** All that is wrong; empty unless `lightweight`. */
  readonly problems: readonly ConfigProblem[];
  readonly lightweight: boolean;
}

type State = { readonly phase: 'new' } | Ready;
