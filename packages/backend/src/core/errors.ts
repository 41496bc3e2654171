import { AicoError, defineError, reasonOf } from '@aico/protocol';
import { shownPlace } from './failure-place.ts';
import { suggestion } from './nearest.ts';

const SHOWN = 20;

/** Why a graph cannot be started. Each name in `path` needs the next. */
export type GraphProblem =
  | {
      readonly kind: 'missing';
      /** A name that is not registered. */
      readonly name: string;
      /** A registered name with a similar spelling. */
      readonly near: string | undefined;
      /** All services that need it. */
      readonly askedBy: readonly string[];
      /** From a service that no other needs to the missing name. */
      readonly path: readonly string[];
    }
  | {
      readonly kind: 'circular';
      /** Begins and ends with the same name. */
      readonly path: readonly string[];
      /** Steps of the path that are not dependencies: the second fills an extension point of the first. */
      readonly fills: readonly (readonly [offerer: string, filler: string])[];
    }
  | {
      readonly kind: 'unoffered';
      /** An extension point that no service offers. */
      readonly name: string;
      readonly near: string | undefined;
      /** The service that fills it, and the point. */
      readonly path: readonly string[];
    }
  | {
      readonly kind: 'duplicate';
      readonly name: string;
      readonly count: number;
      readonly path: readonly string[];
    };

/** The dependencies of the services are missing, circular or duplicate. Nothing was started. */
export class DependencyGraphError extends defineError({
  code: 'AICO_GRAPH_INVALID',
  exit: 'graph',
  hint: 'Correct misspelt dependencies, load or register missing services, remove duplicates, and break a circle by sending messages over the bus instead. Nothing was started.',
  make: (problems: readonly GraphProblem[]) => {
    const lines = problems.slice(0, SHOWN).map((problem) => `  ${describeProblem(problem)}`);
    if (problems.length > SHOWN) lines.push(`  and ${problems.length - SHOWN} more`);
    return {
      message: `the services cannot be started, ${problems.length === 1 ? '1 problem' : `${problems.length} problems`}:\n${lines.join('\n')}`,
      /** All problems, in no particular order. */
      problems,
    };
  },
}) {}

function describeProblem(problem: GraphProblem): string {
  const path = problem.path.join(' -> ');
  switch (problem.kind) {
    case 'missing': {
      const others = problem.askedBy.length - 1;
      const near = problem.near === undefined ? '' : `; did you mean "${problem.near}"?`;
      return `missing: ${path} (no service "${problem.name}" is registered${near}${others > 0 ? `; ${others} more ask for it` : ''})`;
    }
    case 'circular': {
      const fills = problem.fills.map(
        ([offerer, filler]) =>
          `; ${offerer} starts after ${filler}, which fills its extension point and therefore cannot depend on it`,
      );
      return `circular: ${path}${fills.join('')}`;
    }
    case 'unoffered': {
      const near = problem.near === undefined ? '' : `; did you mean "${problem.near}"?`;
      return `unoffered: ${path} (no plugin that is loaded offers the extension point "${problem.name}"${near})`;
    }
    case 'duplicate':
      return `duplicate: ${path} (registered ${problem.count} times)`;
  }
}

/** An option of `registerService` is not valid. */
export class ServiceOptionError extends defineError({
  code: 'AICO_SERVICE_OPTION',
  exit: 'plugin',
  hint: 'See ServiceOptions for the values of each option.',
  make: (service: string, option: string, value: unknown, expected: string) => ({
    message: `service "${service}": ${option} must be ${expected}, not ${String(value)}`,
    service,
    option,
  }),
}) {}

/** The container cannot do this in its present state. */
export class ContainerStateError extends defineError({
  code: 'AICO_SERVICE_CONTAINER_STATE',
  exit: 'plugin',
  make: (what: string, state: string, hint: string) => ({
    message: `cannot ${what}: the container is ${state}`,
    hint,
  }),
}) {}

/** The service is not registered. */
export class ServiceUnknownError extends defineError({
  code: 'AICO_SERVICE_UNKNOWN',
  exit: 'plugin',
  make: (service: string, askedBy?: string) => {
    const who = askedBy === undefined ? '' : ` (asked for by "${askedBy}")`;
    return {
      message: `no service is registered as "${service}"${who}`,
      hint: `Register it with registerService('${service}', …) or registerInstance('${service}', …) before start().`,
      service,
    };
  },
}) {}

/** The service is registered but not running. */
export class ServiceNotRunningError extends defineError({
  code: 'AICO_SERVICE_NOT_RUNNING',
  exit: 'plugin',
  hint: 'A service is available from its start until its stop. Name it in `dependencies`, so that it starts first and stops last.',
  make: (service: string, state: string, askedBy?: string) => {
    const who = askedBy === undefined ? '' : ` ("${askedBy}" asked for it)`;
    return { message: `service "${service}" is ${state}, not running${who}`, service, state };
  },
}) {}

/** A plugin used a service that it does not declare as a dependency. */
export class DependencyUndeclaredError extends defineError({
  code: 'AICO_SERVICE_UNDECLARED',
  exit: 'plugin',
  make: (service: string, dependency: string, declared: readonly string[]) => {
    const has = declared.length === 0 ? 'no dependencies' : `only ${declared.join(', ')}`;
    return {
      message: `service "${service}" asked for "${dependency}" but declares ${has}, so "${dependency}" may start after it or stop before it`,
      hint: `Add it where "${service}" is registered: dependencies: ['${dependency}', …].`,
      service,
      dependency,
    };
  },
}) {}

/** The factory of a service failed. */
export class ServiceConstructError extends defineError({
  code: 'AICO_SERVICE_CONSTRUCT',
  exit: 'plugin',
  make: (service: string, cause: unknown) => ({
    message: `service "${service}" could not be constructed: ${reasonOf(cause)}${shownPlace(cause)}`,
    hint: hintOf(cause) ?? `Look at the constructor or factory of "${service}".`,
    cause,
    service,
  }),
}) {}

/** `initialize()` of a service failed. */
export class ServiceInitializeError extends defineError({
  code: 'AICO_SERVICE_INITIALIZE',
  exit: 'plugin',
  make: (service: string, cause: unknown) => ({
    message: `service "${service}" failed in initialize(): ${reasonOf(cause)}${shownPlace(cause)}`,
    hint: hintOf(cause) ?? `Look at initialize() of "${service}".`,
    cause,
    service,
  }),
}) {}

/** `start()` of a service failed. */
export class ServiceStartError extends defineError({
  code: 'AICO_SERVICE_START',
  exit: 'plugin',
  make: (service: string, cause: unknown) => ({
    message: `service "${service}" failed in start(): ${reasonOf(cause)}${shownPlace(cause)}`,
    hint: hintOf(cause) ?? `Look at start() of "${service}".`,
    cause,
    service,
  }),
}) {}

const START_MISTAKES = {
  construct:
    'The promise its factory returned never settled. Only construct there; connect in initialize() or start().',
  initialize:
    'Most likely something it connects to does not answer, or an await never settles. Give what you wait for a deadline of its own.',
  start:
    'start() must return once the service runs. Most likely it awaits a loop that goes on: hand that to runInBackground() or every().',
} as const;

/** A service did not finish a phase of its start in time. */
export class ServiceStartTimeoutError extends defineError({
  code: 'AICO_SERVICE_START_TIMEOUT',
  exit: 'startTimeout',
  /** @param last the last progress it reported, if any */
  make: (service: string, phase: 'construct' | 'initialize' | 'start', timeoutMs: number, last?: string) => {
    const what = phase === 'construct' ? 'its factory' : `${phase}()`;
    const how = last === undefined ? 'finish within' : 'get anything done for';
    return {
      message: `service "${service}": ${what} did not ${how} ${Math.round(timeoutMs)} ms${last === undefined ? '' : `; at last ${last}`}`,
      hint:
        last === undefined
          ? `${START_MISTAKES[phase]} If it truly needs longer, raise startTimeoutMs or core.lifecycle.start_timeout_ms.`
          : 'Look at the disk (dmesg): it answers too slowly or not at all. To wait longer, raise core.lifecycle.start_timeout_ms.',
      service,
      phase,
      timeoutMs,
    };
  },
}) {}

/** The start was cancelled before the service ran, by a stop or because a required service failed. */
export class StartCancelledError extends defineError({
  code: 'AICO_SERVICE_START_CANCELLED',
  exit: 'ok',
  hint: 'Everything that had started was stopped again. Start again when ready.',
  make: (reason: string, cause?: unknown) => ({ message: `the start was cancelled: ${reason}`, cause }),
}) {}

/** A step of a service's stop failed; everything else was stopped. */
export class ServiceStopError extends defineError({
  code: 'AICO_SERVICE_STOP',
  exit: 'plugin',
  make: (service: string, step: string, cause: unknown) => ({
    message: `service "${service}" failed in ${step}: ${reasonOf(cause)}`,
    hint: hintOf(cause) ?? `The rest was stopped all the same. Look at ${step} of "${service}".`,
    cause,
    service,
  }),
}) {}

/** A step of a service's stop did not finish in time; everything else was stopped. */
export class ServiceStopTimeoutError extends defineError({
  code: 'AICO_SERVICE_STOP_TIMEOUT',
  exit: 'stopTimeout',
  hint: 'It probably waits for work that ignores this.signal. If it needs longer, raise stopTimeoutMs or the budget of the stop.',
  make: (service: string, step: string, timeoutMs: number, cause?: unknown) => ({
    message:
      `service "${service}": ${step} did not finish within ${Math.round(timeoutMs)} ms` +
      (cause === undefined ? '' : `: ${reasonOf(cause)}`),
    cause,
    service,
    step,
    timeoutMs,
  }),
}) {}

/** The stop did not finish within its budget. */
export class StopBudgetError extends defineError({
  code: 'AICO_SERVICE_STOP_BUDGET',
  exit: 'stopTimeout',
  hint: 'The stop report names the slow services. Raise the budget if work in flight needs longer.',
  make: (budgetMs: number) => ({ message: `the stop did not end within its budget of ${budgetMs} ms` }),
}) {}

/** A resource of a plugin was not released in time. */
export class ReleaseTimeoutError extends defineError({
  code: 'AICO_PLUGIN_RELEASE_TIMEOUT',
  exit: 'plugin',
  hint: 'Background work and timers must end when their signal is aborted, and handlers must return.',
  make: (resource: string) => ({ message: `${resource} did not end in time`, resource }),
}) {}

/** A plugin tried to open a resource after it was stopped. */
export class PluginStoppedError extends defineError({
  code: 'AICO_PLUGIN_STOPPED',
  exit: 'plugin',
  hint: 'Check this.signal after each long await, and return when it is aborted.',
  make: (plugin: string, what: string) => ({
    message: `plugin "${plugin}" was stopped and cannot open ${what} any more`,
    plugin,
  }),
}) {}

/** The interval of a plugin's timer is not valid. */
export class IntervalInvalidError extends defineError({
  code: 'AICO_PLUGIN_INTERVAL',
  exit: 'plugin',
  hint: 'Give an interval from 1 to 2147483647 milliseconds.',
  make: (timer: string, intervalMs: number) => ({
    message: `timer "${timer}": ${intervalMs} is not a valid interval`,
  }),
}) {}

/** There is no plugin at the given place. */
export class PluginNotFoundError extends defineError({
  code: 'AICO_PLUGIN_NOT_FOUND',
  exit: 'plugin',
  hint: 'Give a folder or file (beginning with "./", "../" or "/") or the name of an installed package.',
  make: (specifier: string, lookedAt: string, cause?: unknown) => ({
    message: `no plugin at "${specifier}" (looked at ${lookedAt})`,
    cause,
    specifier,
  }),
}) {}

/** The reason why a plugin's package is incompatible. */
export interface Incompatibility {
  readonly specifier: string;
  /** The folder of the plugin's package. */
  readonly folder: string;
  /** The software for which the package states a range. */
  readonly software: string;
  readonly range: string;
  /** The present version of that software. */
  readonly version: string;
}

/** A plugin's package requires another version of the backend or of Node.js. Its code was not run. */
export class PluginIncompatibleError extends defineError({
  code: 'AICO_PLUGIN_INCOMPATIBLE',
  exit: 'plugin',
  make: ({ specifier, folder, software, range, version }: Incompatibility) => ({
    message: `plugin "${specifier}" needs ${software} ${range}, and this is ${software} ${version} (${folder}/package.json)`,
    hint: `Install a version of the plugin that supports ${software} ${version}, or ${software} ${range}. If you maintain the plugin and it works with ${version}, widen the range in its package.json.`,
    specifier,
    software,
    range,
    version,
  }),
}) {}

/** A plugin's module failed while it was loaded. */
export class PluginImportError extends defineError({
  code: 'AICO_PLUGIN_IMPORT',
  exit: 'plugin',
  /** @param place file and line of a syntax error that does not contain them itself */
  make: (specifier: string, file: string, cause: unknown, place?: string) => {
    const shown = place === undefined ? shownPlace(cause) : ` (${place})`;
    return {
      message: `plugin "${specifier}" cannot be loaded: ${reasonOf(cause)}${shown}`,
      hint: importHint(specifier, file, cause),
      cause,
      specifier,
    };
  },
}) {}

/** The hint for a module that cannot be loaded. */
function importHint(specifier: string, file: string, cause: unknown): string {
  if (isUncompiled(cause))
    return `Node runs no TypeScript below node_modules: compile "${specifier}" to JavaScript before it is packed, and let "exports" in its package.json name the compiled files.`;
  if (isMissingPackage(cause))
    return `Packages are looked up in node_modules beside ${file} and above it: install there what the plugin imports.`;
  if (isMissingExtension(cause))
    return "Name the file of a relative import with its extension: import './store.ts'.";
  if (cause instanceof SyntaxError)
    return 'Correct the syntax there. Node runs TypeScript whose types can be erased: no enum, no namespace, no parameter property.';
  return `The module ${file}, or one that it imports, is missing or failed while it was loaded.`;
}

function isUncompiled(cause: unknown): boolean {
  return (
    cause instanceof Error && 'code' in cause && cause.code === 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING'
  );
}

/** A relative import without its extension, which Node requires. */
function isMissingExtension(cause: unknown): boolean {
  if (!(cause instanceof Error && 'code' in cause)) return false;
  if (cause.code === 'ERR_UNSUPPORTED_DIR_IMPORT') return true;
  return cause.code === 'ERR_MODULE_NOT_FOUND' && /Cannot find module '[^']*\/[^/.']+'/.test(cause.message);
}

function isMissingPackage(cause: unknown): boolean {
  return (
    cause instanceof Error &&
    'code' in cause &&
    cause.code === 'ERR_MODULE_NOT_FOUND' &&
    cause.message.startsWith('Cannot find package')
  );
}

/** A module was loaded, but exports no plugin. */
export class PluginExportError extends defineError({
  code: 'AICO_PLUGIN_NO_EXPORT',
  exit: 'plugin',
  hint: 'Write: export const plugin = definePlugin({ name, version, description, start(plugin) { … } });',
  make: (specifier: string, file: string, exported: readonly string[]) => {
    const has = exported.length === 0 ? 'nothing' : exported.join(', ');
    return { message: `${file} exports no "plugin" (it exports ${has})`, specifier };
  },
}) {}

/** The `plugin` that a module exports is not a plugin definition. */
export class PluginShapeError extends defineError({
  code: 'AICO_PLUGIN_SHAPE',
  exit: 'plugin',
  hint: 'Make it with definePlugin({ name, version, description, start(plugin) { … } }).',
  make: (file: string, problems: readonly string[]) => ({
    message: `the "plugin" of ${file} is no plugin definition: ${problems.join('; ')}`,
    file,
    problems,
  }),
}) {}

/** `create` of a plugin's definition returned a value that is not a plugin. */
export class PluginCreateError extends defineError({
  code: 'AICO_PLUGIN_CREATE',
  exit: 'plugin',
  hint: 'Return an object of a class that extends BasePlugin. An arrow function with braces needs `return`.',
  make: (plugin: string, returned: unknown) => {
    const what = returned === null ? 'null' : Array.isArray(returned) ? 'an array' : typeof returned;
    return { message: `create() of plugin "${plugin}" returned ${what}, not a plugin`, plugin };
  },
}) {}

/** A route requires a capability that no plugin declares. */
export class CapabilityUndeclaredError extends defineError({
  code: 'AICO_PLUGIN_CAPABILITY',
  exit: 'plugin',
  make: (plugin: string, route: string, capability: string, declared: readonly string[]) => ({
    message: `route ${route} of plugin "${plugin}" requires "${capability}", which no plugin declares`,
    hint: `${suggestion(capability, declared)}Declare it in the definition of "${plugin}": capabilities: { '${capability}': 'what it allows' }.`,
    plugin,
    capability,
  }),
}) {}

/** A route replies with server-sent events, and a stop would wait for their end. */
export class RouteEndlessError extends defineError({
  code: 'AICO_PLUGIN_ENDLESS',
  exit: 'plugin',
  hint: 'Give it { config: { endless: true } }: the reply of such a route ends only when its reader leaves, so a stop ends it instead of waiting.',
  make: (plugin: string, route: string) => ({
    message: `route ${route} of plugin "${plugin}" replies with server-sent events and is not marked as endless`,
    plugin,
  }),
}) {}

/** A plugin subscribes to a topic below the name of another plugin, which does not publish it. */
export class TopicUndeclaredError extends defineError({
  code: 'AICO_PLUGIN_TOPIC',
  exit: 'plugin',
  make: (plugin: string, topic: string, owner: string, declared: readonly string[]) => ({
    message: `plugin "${plugin}" subscribes to "${topic}", which plugin "${owner}" does not publish`,
    hint: `${suggestion(topic, declared)}"${owner}" declares ${declared.length === 0 ? 'no topics' : declared.join(', ')}. A topic of its own belongs in \`topics\` of its definition.`,
    plugin,
    topic,
  }),
}) {}

/** A plugin uses an extension point that its definition does not list. */
export class ExtensionUndeclaredError extends defineError({
  code: 'AICO_PLUGIN_EXTENSION',
  exit: 'plugin',
  make: (plugin: string, list: 'offers' | 'fills', point: string) => ({
    message: `plugin "${plugin}" ${list === 'fills' ? 'fills' : 'reads'} the extension point "${point}", which its definition does not list in \`${list}\``,
    hint: `Add the point to the definition of "${plugin}", so that the order of the start is known: ${list}: [point].`,
    plugin,
    point,
  }),
}) {}

/** An extension did not answer a call in time, and was left out. */
export class ExtensionTimeoutError extends defineError({
  code: 'AICO_PLUGIN_EXTENSION_TIMEOUT',
  hint: 'An extension must answer, or obey the signal that it is given.',
  make: (point: string, plugin: string, timeoutMs: number) => ({
    message: `the extension of ${point} by plugin "${plugin}" did not answer within ${timeoutMs} ms`,
    point,
    plugin,
  }),
}) {}

/** Two plugins have the same name. */
export class PluginNameTakenError extends defineError({
  code: 'AICO_PLUGIN_NAME_TAKEN',
  exit: 'plugin',
  make: (plugin: string, module: string, other: string) => ({
    message: `two plugins are named "${plugin}": ${other} and ${module}`,
    hint: `Rename one in its definition, or load only one: \`aico plugin remove ${plugin}\` takes it out of the configuration.`,
    plugin,
  }),
}) {}

/** A plugin has another name than its entry in the configuration, or its file in the folder of plugins. */
export class PluginNameDiffersError extends defineError({
  code: 'AICO_PLUGIN_NAME_DIFFERS',
  exit: 'plugin',
  make: (plugin: string, expected: string, module: string) => ({
    message: `the plugin at ${module} is named "${plugin}", and is listed here as "${expected}"`,
    hint: `Name the section plugins.${plugin} in the configuration, or the file or folder in the folder of plugins "${plugin}": settings are looked up by the plugin's own name.`,
    plugin,
  }),
}) {}

/** A change of one plugin of a backend that runs. */
export type PluginAction = 'reloaded' | 'enabled' | 'disabled';

/** No plugin has the name. */
export class PluginUnknownError extends defineError({
  code: 'AICO_PLUGIN_UNKNOWN',
  status: 404,
  make: (plugin: string, names: readonly string[]) => ({
    message: `there is no plugin "${plugin}"`,
    hint: `${suggestion(plugin, names)}\`aico plugin list\` shows the plugins that there are.`,
    plugin,
  }),
}) {}

/** A plugin cannot be changed in its present state. */
export class PluginStateError extends defineError({
  code: 'AICO_PLUGIN_STATE',
  status: 409,
  make: (plugin: string, action: PluginAction, state: string) => ({
    message:
      state === 'disabled'
        ? `plugin "${plugin}" cannot be ${action}: it is disabled`
        : `plugin "${plugin}" cannot be ${action}: its state is "${state}", and it was not loaded from a module`,
    hint:
      state === 'disabled'
        ? `Enable it: aico plugin enable ${plugin}`
        : 'Only a plugin that was loaded from a file, a folder or a package can be changed while the backend runs.',
    plugin,
    state,
  }),
}) {}

/** A plugin was not reloaded, enabled or disabled: it could not be loaded, or did not start. What ran before runs on. */
export class PluginChangeError extends defineError({
  code: 'AICO_PLUGIN_CHANGE',
  exit: 'plugin',
  status: 409,
  make: (plugin: string, action: PluginAction, cause: unknown, restoreFailure?: Error) => {
    const code = cause instanceof AicoError ? `${cause.code}: ` : '';
    const after =
      restoreFailure === undefined
        ? AFTER_FAILURE[action]
        : `and what ran before did not start again: ${reasonOf(restoreFailure)}`;
    return {
      message: `plugin "${plugin}" was not ${action}, ${after}. ${code}${reasonOf(cause)}`,
      hint: hintOf(cause) ?? `Correct the plugin, and do it again.`,
      cause,
      plugin,
    };
  },
}) {}

const AFTER_FAILURE = {
  reloaded: 'and its version before runs on',
  enabled: 'and stays disabled',
  disabled: 'and runs on',
} as const;

/** A plugin that others need was to be disabled. */
export class PluginNeededError extends defineError({
  code: 'AICO_PLUGIN_NEEDED',
  status: 409,
  /** @param fixed those of them that cannot be disabled */
  make: (plugin: string, needing: readonly string[], fixed: readonly string[]) => ({
    message: `plugin "${plugin}" cannot be disabled: ${needing.join(', ')} ${needing.length === 1 ? 'needs' : 'need'} it`,
    hint:
      fixed.length === 0
        ? `Disable these plugins too: aico plugin disable ${plugin} --dependents, or ?dependents=true over the API.`
        : `${fixed.join(', ')} cannot be disabled while the backend runs.`,
    plugin,
    needing,
  }),
}) {}

/** Plugins cannot be changed while the home is locked. */
export class PluginsLockedError extends defineError({
  code: 'AICO_PLUGIN_LOCKED',
  status: 503,
  hint: 'Unlock it: aico security unlock',
  make: () => ({ message: 'plugins cannot be changed while the home is locked' }),
}) {}

/** Two health checks were registered under one name. */
export class HealthCheckTakenError extends defineError({
  code: 'AICO_HEALTH_CHECK_TAKEN',
  hint: 'Give each health check its own name; a plugin with healthCheck() has one under its own name already.',
  make: (name: string) => ({ message: `a health check "${name}" is registered already` }),
}) {}

/** The hint of an error of the project or of a plugin. */
function hintOf(cause: unknown): string | undefined {
  return cause instanceof Error && 'hint' in cause && typeof cause.hint === 'string' ? cause.hint : undefined;
}
