import path from 'node:path';
import type { ConfigurationManager } from '@aico/shared/core/config';
import type { Logger } from '@aico/shared/core/logging';
import { createMutex } from '@aico/shared/core/tasks';
import type { AuditRecorder } from '@aico/shared/data/audit';
import { Type } from 'typebox';
import type { ChangeOutcome, ServiceChange } from '../core/container/changes.ts';
import type { ServiceContainer } from '../core/container/service-container.ts';
import type { HealthCheckResult } from '../core/health/types.ts';
import { ModuleGenerations } from '../core/plugin/module-generations.ts';
import type { PluginDefinition } from '../core/plugin/plugin-definition.ts';
import { type LoadedPlugin, loadPlugin } from '../core/plugin/plugin-loader.ts';
import { findPlugin } from '../core/plugin/plugin-module.ts';
import { pluginService } from '../core/plugin/register-plugin.ts';
import { viewOf, viewOfAbsent, viewsOfRegistered } from '../plugins/system/plugin-views.ts';
import type { PluginView } from '../plugins/system/system-view.ts';
import {
  type PluginAction,
  PluginChangeError,
  PluginNameDiffersError,
  PluginNameTakenError,
  PluginNeededError,
  PluginStateError,
  PluginsLockedError,
  PluginUnknownError,
} from './errors.ts';
import { type PluginSource, pluginSources } from './plugin-sources.ts';
import { PluginWatch, type WatchEvents } from './plugin-watch.ts';
import type { ChosenPlugin, MissingPlugin } from './plugins.ts';
import { refuseReservedName } from './reserved-names.ts';

interface PluginManagerOptions {
  readonly container: ServiceContainer;
  readonly config: ConfigurationManager;
  readonly pluginsDir: string;
  readonly baseDir: string;
  readonly chosen: readonly ChosenPlugin[];
  readonly missing: readonly MissingPlugin[];
  readonly isLocked: () => boolean;
  readonly logger: Logger;
  readonly audit: Pick<AuditRecorder, 'record'>;
}

/** A plugin whose code has been loaded. */
interface KnownPlugin {
  readonly specifier: string | PluginDefinition;
  readonly from: string;
  loaded: LoadedPlugin;
  isEnabled: boolean;
  /** The number of times that its code was loaded. */
  loads: number;
}

/** The plugins of a backend that runs: reloads them, and turns them on and off. The changes take turns. */
export class PluginManager {
  readonly #options: PluginManagerOptions;
  readonly #known = new Map<string, KnownPlugin>();
  readonly #missing: Map<string, MissingPlugin>;
  /** The last change of a plugin, where it failed. */
  readonly #failures = new Map<string, PluginChangeError>();
  readonly #exclusive = createMutex();
  readonly #watches = new AsyncDisposableStack();
  #generations: ModuleGenerations | undefined;

  constructor(options: PluginManagerOptions) {
    this.#options = options;
    for (const { specifier, from, definition, module } of options.chosen)
      this.#known.set(definition.name, {
        specifier,
        from,
        loaded: { definition, module },
        isEnabled: true,
        loads: 1,
      });
    this.#missing = new Map(options.missing.map((plugin) => [plugin.name, plugin]));
  }

  /** Every plugin that runs or could: loaded, registered by hand, missing, or turned off. */
  async views(): Promise<readonly PluginView[]> {
    const { container } = this.#options;
    const known = [...this.#known].map(([name, plugin]) => this.#viewOf(name, plugin));
    const shown = new Set([...this.#known.keys(), ...this.#missing.keys()]);
    const rest = (await this.#sources()).filter(({ name }) => !shown.has(name));
    return [
      ...known,
      ...viewsOfRegistered(container),
      ...[...this.#missing.values()].map(({ name, module }) => viewOfAbsent(name, module, 'not loaded')),
      ...rest.map(({ name, specifier }) => viewOfAbsent(name, specifier, 'disabled')),
    ];
  }

  /** @throws {PluginUnknownError} */
  async view(name: string): Promise<PluginView> {
    const views = await this.views();
    const found = views.find((view) => view.name === name);
    if (found === undefined)
      throw new PluginUnknownError(
        name,
        views.map((view) => view.name),
      );
    return found;
  }

  /** Degraded while the last change of a plugin has failed. */
  health(): HealthCheckResult {
    const failures = [...this.#failures.values()];
    return failures.length === 0
      ? { status: 'healthy' }
      : { status: 'degraded', detail: failures.map(({ message }) => message).join('; ') };
  }

  /**
   * Reloads a plugin's code and configuration, and restarts the plugin and its dependents.
   *
   * @throws {PluginUnknownError} when no plugin of the name is enabled
   * @throws {PluginChangeError} when it cannot be loaded or does not start; the version before runs on
   */
  async reload(name: string): Promise<PluginView> {
    await this.#exclusive(async () => {
      const known = await this.#found(name, 'reloaded');
      await this.#attempt(name, 'reloaded', () => this.#load(name, known));
    });
    return this.view(name);
  }

  /**
   * Loads and starts a plugin that the configuration or the folder of plugins has, until the backend stops.
   *
   * @throws {PluginUnknownError} when there is none of the name
   * @throws {PluginChangeError} when it cannot be loaded or does not start
   */
  async enable(name: string): Promise<PluginView> {
    await this.#exclusive(async () => {
      this.#refuseLocked();
      const known = this.#known.get(name);
      if (known?.isEnabled === true) return;
      await this.#attempt(name, 'enabled', async () => {
        if (known === undefined) await this.#options.config.reload();
        const source = known ?? (await this.#sources()).find((each) => each.name === name);
        if (source !== undefined) return this.#load(name, source);
        const { state } = await this.view(name);
        throw new PluginStateError(name, 'enabled', state);
      });
    });
    return this.view(name);
  }

  /**
   * Stops a plugin and takes it out of the backend until it is enabled or the backend starts again.
   *
   * @param withDependents whether the plugins that need it are disabled too
   * @throws {PluginUnknownError} when there is none of the name
   * @throws {PluginNeededError} when others need it and are not to be disabled
   */
  async disable(name: string, { withDependents = false } = {}): Promise<PluginView> {
    await this.#exclusive(async () => {
      const known = this.#known.get(name);
      if (known?.isEnabled === false) return;
      await this.#found(name, 'disabled');
      const needing = this.#dependents(name);
      const fixed = needing.filter((each) => !this.#known.has(each));
      if (needing.length > 0 && (!withDependents || fixed.length > 0))
        throw new PluginNeededError(name, needing, fixed);
      const names = [name, ...needing];
      await this.#attempt(name, 'disabled', () => this.#change({ remove: names }, []), needing);
      for (const each of names) {
        const disabled = this.#known.get(each);
        if (disabled !== undefined) disabled.isEnabled = false;
        this.#failures.delete(each);
      }
    });
    return this.view(name);
  }

  /**
   * Reloads each enabled plugin when its files change, until the returned object is disposed or the backend stops. A
   * plugin that was given as a definition has no files.
   */
  async watch(events: WatchEvents): Promise<AsyncDisposable> {
    const watches = new AsyncDisposableStack();
    for (const [name, { specifier, from, isEnabled }] of this.#known) {
      if (typeof specifier !== 'string' || !isEnabled) continue;
      const { path: place, isFolder } = await findPlugin(specifier, from);
      const plugin = { name, folder: isFolder ? place : path.dirname(place), isRecursive: isFolder };
      const watch = watches.use(new PluginWatch(plugin, () => this.reload(name), events));
      await watch.start();
    }
    this.#watches.use(watches);
    return watches;
  }

  /** Ends the watching of files, and the loading of code. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watches.disposeAsync();
    this.#generations?.[Symbol.dispose]();
    this.#generations = undefined;
  }

  /** An enabled plugin whose code was loaded. */
  async #found(name: string, action: PluginAction): Promise<KnownPlugin> {
    this.#refuseLocked();
    const known = this.#known.get(name);
    if (known?.isEnabled === true) return known;
    const { state } = await this.view(name);
    throw new PluginStateError(name, action, state);
  }

  #refuseLocked(): void {
    if (this.#options.isLocked()) throw new PluginsLockedError();
  }

  async #load(name: string, source: KnownPlugin | PluginSource): Promise<ChangeOutcome> {
    const { container, config } = this.#options;
    const known = this.#known.get(name);
    this.#generations ??= new ModuleGenerations();
    const { specifier, from } = source;
    const loaded = await loadPlugin(specifier, from, { generations: this.#generations });
    const { definition, module } = loaded;
    if (definition.name !== name) throw new PluginNameDiffersError(definition.name, name, module);
    refuseReservedName(name);
    if (known?.isEnabled !== true && container.has(name))
      throw new PluginNameTakenError(name, module, 'a part of the backend');
    const { config: schema = Type.Object({}) } = definition;
    const applyConfig = await config.prepareReload([{ path: `plugins.${name}`, schema }]);
    const required = config.get(`plugins.${name}.required`);
    const effective = typeof required === 'boolean' ? { ...definition, required } : definition;
    let restoreConfig: (() => void) | undefined;
    const service = container.registration(...pluginService(container, effective));
    const outcome = await this.#change({ add: [service] }, [effective], (isNew) => {
      if (isNew) restoreConfig = applyConfig();
      else restoreConfig?.();
    });
    if (outcome.kind === 'restored') return outcome;
    loaded.adopt?.();
    this.#missing.delete(name);
    this.#known.set(name, { specifier, from, loaded, isEnabled: true, loads: (known?.loads ?? 0) + 1 });
    return outcome;
  }

  /** Changes the services together with the definitions, and answers requests for their routes meanwhile. */
  async #change(
    change: ServiceChange,
    definitions: readonly PluginDefinition[],
    whenSwapped: (isNew: boolean) => void = () => {},
  ): Promise<ChangeOutcome> {
    const { container } = this.#options;
    const catalog = container.getService('plugins');
    const before = catalog.all;
    const endChange = container.findService('gateway')?.beginChange();
    try {
      return await container.change({
        ...change,
        whenSwapped: (isNew) => {
          if (isNew) catalog.replace(definitions, change.remove ?? []);
          else
            catalog.replace(
              before,
              definitions.map((definition) => definition.name),
            );
          whenSwapped(isNew);
        },
      });
    } finally {
      endChange?.();
    }
  }

  async #attempt(
    name: string,
    action: PluginAction,
    work: () => Promise<ChangeOutcome>,
    dependents: readonly string[] = [],
  ): Promise<void> {
    let outcome: ChangeOutcome;
    try {
      outcome = await work();
    } catch (error) {
      throw await this.#failed(name, action, error);
    }
    if (outcome.kind === 'restored')
      throw await this.#failed(name, action, outcome.failure, outcome.restoreFailure);
    this.#failures.delete(name);
    this.#options.logger.info(`Plugin ${name} was ${action}`, { plugin: name });
    for (const subject of [name, ...dependents]) {
      const { definition, module } = this.#known.get(subject)?.loaded ?? {};
      const details = { version: definition?.version, module };
      await this.#options.audit.record({ action: `plugin.${action}`, subject, details });
    }
  }

  async #failed(name: string, action: PluginAction, cause: unknown, restoreFailure?: Error): Promise<Error> {
    if (cause instanceof PluginUnknownError || cause instanceof PluginStateError) return cause;
    const failure = new PluginChangeError(name, action, cause, restoreFailure);
    this.#failures.set(name, failure);
    this.#options.logger.error(failure.message, { plugin: name, error: failure });
    const details = { code: failure.code };
    await this.#options.audit.record({
      action: `plugin.${action}`,
      subject: name,
      outcome: 'failed',
      details,
    });
    return failure;
  }

  #viewOf(name: string, { loaded, isEnabled, loads }: KnownPlugin): PluginView {
    const { container } = this.#options;
    const { definition, module } = loaded;
    const failure = this.#failures.get(name);
    return {
      ...viewOf(definition, module, container),
      ...(isEnabled ? {} : { state: 'disabled' }),
      dependents: isEnabled ? this.#dependents(name) : [],
      loads,
      problem:
        failure === undefined
          ? undefined
          : { code: failure.code, message: failure.message, hint: failure.hint },
    };
  }

  /** Everything that cannot run without a plugin. */
  #dependents(name: string): readonly string[] {
    return [...this.#options.container.graph.needing([name])];
  }

  #sources(): Promise<readonly PluginSource[]> {
    return pluginSources(this.#options);
  }
}
