import type { Static, TObject } from 'typebox';
import { createMutex } from '../tasks/index.ts';
import type { Environment } from './environment-layer.ts';
import { ConfigInvalidError, type ConfigProblem, ConfigStateError, type Origin } from './errors.ts';
import { copyPlain } from './plain-value.ts';
import { type Resolved, resolveLayers, resolveWithoutWrong } from './resolve.ts';
import { nearestKey, schemasAt } from './schema.ts';
import { REDACTED, secretValuesIn } from './secret.ts';
import {
  ConfigSection,
  plainObject,
  readValue,
  redacted,
  redactedValue,
  type ValueLike,
  type View,
} from './section.ts';
import { combineSections, type SectionDefinition } from './sections.ts';
import { type ConfigFiles, layersOf, readSources, type Sources } from './sources.ts';
import { emptyTree, isTree, leaves, merge, setAt, splitKey, type Tree, valueAt } from './tree.ts';

/** The layers of a configuration and the sections that it is checked against. */
export interface ConfigurationManagerOptions {
  /** The files to read; without it, none are read. */
  readonly paths?: ConfigFiles;
  /** The sections besides `environment` and those of plugins, which `registerSection()` adds. */
  readonly sections?: readonly SectionDefinition[];
  /** Default `process.env`. */
  readonly env?: Environment;
  /** Values over all other layers, by dotted key. */
  readonly overrides?: Readonly<Record<string, unknown>>;
}

/** How much of the configuration is read. */
export interface InitializeOptions {
  /**
   * For tools: problems are kept in {@link ConfigurationManager.problems} instead of thrown, and defaults replace what is
   * wrong. Default `false`.
   */
  readonly lightweight?: boolean;
  /** The environment, which overrides all layers. */
  readonly environment?: string;
}

/** One value and its origin. */
export interface ConfigEntry {
  readonly key: string;
  /** Secrets, and values no loaded schema describes, are `[redacted]`. */
  readonly value: unknown;
  readonly origin: Origin;
}

/**
 * The configuration, in five layers of rising precedence: defaults, the file of the environment, the user's file,
 * environment variables, and values set at runtime.
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
  #schema: TObject;
  #runtime: Tree;
  #state: State = { phase: 'new' };
  readonly #secretListeners: ((values: readonly string[]) => void)[] = [];
  /** Reloads run one after another, so that the values that were read last remain. */
  readonly #exclusive = createMutex();

  /** @throws {ConfigSchemaError} when two sections overlap, or a key cannot be written in a file or as a variable */
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
   * Reads and checks files and variables.
   *
   * @throws {ConfigSyntaxError} when a file is not YAML
   * @throws {ConfigUnreadableError} when a file cannot be read
   * @throws {ConfigInvalidError} naming everything that does not match its schema; none of the three when `lightweight`
   */
  async initialize({ lightweight = false, environment }: InitializeOptions = {}): Promise<void> {
    const runtime = merge(emptyTree(), this.#runtime);
    if (environment !== undefined) runtime.environment = environment;
    const sources = await this.#read(runtime, lightweight);
    this.#state = this.#resolve(sources, runtime, lightweight);
    this.#runtime = runtime;
  }

  /** The files that it reads; `undefined` if there are none. `new AICOKeyManager(config)` finds the home by them. */
  get paths(): ConfigFiles | undefined {
    return this.#files;
  }

  /** All problems, where `lightweight` did not throw them. */
  get problems(): readonly ConfigProblem[] {
    return this.#state.phase === 'ready' ? this.#state.problems : [];
  }

  /**
   * The value at a dotted key, or `fallback` where there is none. A section is a {@link ConfigSection}.
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
   * @throws {ConfigInvalidError} when it was read `lightweight` and a required key is missing
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
    // The value has passed this very schema.
    return (valueAt(resolved.tree, splitKey(path)) ?? emptyTree()) as Static<S>;
  }

  /**
   * Adds a section, such as a plugin's `plugins.<name>`, and returns its value. The rest stays as it is.
   *
   * @throws {ConfigInvalidError} when the layers do not match its schema; it is not registered then
   * @throws {ConfigSchemaError} when the path has another schema already, or the section overlaps another one
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
   * Sets a value, or the values of a section, over all other layers. It holds until the process ends.
   *
   * @throws {ConfigInvalidError} when it does not match its schema; nothing is changed then
   */
  set(key: string, value: unknown): void {
    const { sources, lightweight } = this.#ready();
    const runtime = merge(emptyTree(), this.#runtime);
    setAt(runtime, splitKey(key), copyPlain(value, key));
    const next = this.#resolve(sources, runtime, lightweight);
    const own = next.problems.filter(({ origin }) => origin.layer === 'runtime');
    if (own.length > 0) throw new ConfigInvalidError(own);
    this.#runtime = runtime;
    this.#state = next;
  }

  /**
   * Reads files and variables again. Where they are not valid, the configuration stays as it was.
   *
   * @throws as `initialize()` does
   */
  async reload(): Promise<void> {
    (await this.prepareReload([]))();
  }

  /**
   * Reads files and variables again and checks them, with `sections` in place of those at the same paths. The
   * configuration changes when the returned function is called; the function that this one returns takes it back.
   *
   * @throws as `initialize()` does
   * @throws {ConfigSchemaError} when two sections overlap, or a key cannot be written in a file or as a variable
   */
  prepareReload(sections: readonly SectionDefinition[]): Promise<() => () => void> {
    return this.#exclusive(async () => {
      const { lightweight } = this.#ready();
      const schema = combineSections(this.#sectionsWith(sections).values());
      const sources = await this.#read(this.#runtime, lightweight, schema);
      this.#resolve(sources, this.#runtime, lightweight, schema);
      return () => {
        const before = { sections: [...this.#sections.values()], sources: this.#ready().sources };
        this.#adopt(sections, sources);
        return () => this.#adopt(before.sections, before.sources);
      };
    });
  }

  /** Sections and values that were added since `sources` were read stay in force. */
  #adopt(sections: readonly SectionDefinition[], sources: Sources): void {
    const next = this.#sectionsWith(sections);
    const schema = combineSections(next.values());
    this.#state = this.#resolve(sources, this.#runtime, this.#ready().lightweight, schema);
    this.#schema = schema;
    for (const [path, section] of next) this.#sections.set(path, section);
  }

  /** All sections, with `sections` in place of those at the same paths. */
  #sectionsWith(sections: readonly SectionDefinition[]): ReadonlyMap<string, SectionDefinition> {
    return new Map([...this.#sections, ...sections.map((section) => [section.path, section] as const)]);
  }

  /**
   * Calls `listener` with the values of all secrets, now and whenever the configuration is read again, gets another section or has a
   * value set: for the log, which redacts them. Values of a configuration that is refused later are among them.
   */
  onSecrets(listener: (values: readonly string[]) => void): void {
    this.#secretListeners.push(listener);
    if (this.#state.phase === 'ready') listener([...secretValuesIn(this.#state.resolved.tree)]);
  }

  /** The known key nearest to a misspelt one, if one is near enough to be meant. */
  nearestKey(key: string): string | undefined {
    return nearestKey(key, this.#schema);
  }

  /** A value and its origin; `undefined` for a section and where there is no value. */
  explain(key: string): ConfigEntry | undefined {
    const value = valueAt(this.#ready().resolved.tree, splitKey(key));
    return value === undefined || isTree(value) ? undefined : this.#entry(key, value);
  }

  /** Every value and its origin, sorted by key. */
  entries(): readonly ConfigEntry[] {
    return [...leaves(this.#ready().resolved.tree)]
      .filter(([, value]) => !isTree(value))
      .map(([key, value]) => this.#entry(key, value))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** The whole configuration, redacted. */
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

  #read(runtime: Tree, tolerant: boolean, schema = this.#schema): Promise<Sources> {
    return readSources({
      files: this.#files,
      variables: this.#env,
      schema,
      runtime,
      tolerant,
    });
  }

  /** @throws {ConfigInvalidError} unless `lightweight` */
  #resolve(sources: Sources, runtime: Tree, lightweight: boolean, schema = this.#schema): Ready {
    const layers = layersOf(sources, schema, runtime);
    const resolved = resolveLayers(schema, layers);
    const { problems } = resolved;
    for (const listener of this.#secretListeners) listener([...secretValuesIn(resolved.tree)]);
    if (problems.length === 0) return { phase: 'ready', sources, resolved, problems, lightweight };
    if (!lightweight) throw new ConfigInvalidError(problems);
    const without = resolveWithoutWrong(schema, layers);
    return { phase: 'ready', sources, resolved: without, problems, lightweight };
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
  /** All problems; empty unless `lightweight`. */
  readonly problems: readonly ConfigProblem[];
  readonly lightweight: boolean;
}

type State = { readonly phase: 'new' } | Ready;
