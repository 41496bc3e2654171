import { AicoError } from '@aico/protocol';
import type { GraphProblem } from './container/graph-problems.ts';
import { suggestion } from './nearest.ts';

const SHOWN = 20;

/** The services' dependencies cannot be put in an order. Nothing has run. */
export class DependencyGraphError extends AicoError {
  /** All of them, in no order of importance. */
  readonly problems: readonly GraphProblem[];

  constructor(problems: readonly GraphProblem[]) {
    const lines = problems.slice(0, SHOWN).map((problem) => `  ${describeProblem(problem)}`);
    if (problems.length > SHOWN) lines.push(`  and ${problems.length - SHOWN} more`);
    super(
      'AICO_GRAPH_INVALID',
      `the services cannot be started, ${problems.length === 1 ? '1 problem' : `${problems.length} problems`}:\n${lines.join('\n')}`,
      {
        hint: 'Register what is missing, keep one of what is double, and let one side of a circle find the other through the message bus. Nothing was started.',
      },
    );
    this.problems = problems;
  }
}

function describeProblem(problem: GraphProblem): string {
  const path = problem.path.join(' -> ');
  switch (problem.kind) {
    case 'missing': {
      const others = problem.askedBy.length - 1;
      return `missing: ${path} (nobody registered "${problem.name}"${others > 0 ? `; ${others} more ask for it` : ''})`;
    }
    case 'circular':
      return `circular: ${path}`;
    case 'duplicate':
      return `duplicate: ${path} (registered ${problem.count} times)`;
  }
}

/** An option of `registerService` is not what it may be. */
export class ServiceOptionError extends AicoError {
  readonly service: string;
  readonly option: string;

  constructor(service: string, option: string, value: unknown, expected: string) {
    super(
      'AICO_SERVICE_OPTION',
      `service "${service}": ${option} must be ${expected}, not ${String(value)}`,
      {
        hint: 'See ServiceOptions for what each option takes.',
      },
    );
    this.service = service;
    this.option = option;
  }
}

/** The container was asked for something it cannot do now. */
export class ContainerStateError extends AicoError {
  constructor(what: string, state: string, hint: string) {
    super('AICO_SERVICE_CONTAINER_STATE', `cannot ${what}: the container is ${state}`, { hint });
  }
}

/** Nobody registered the service. */
export class ServiceUnknownError extends AicoError {
  readonly service: string;

  constructor(service: string, askedBy?: string) {
    const who = askedBy === undefined ? '' : ` (asked for by "${askedBy}")`;
    super('AICO_SERVICE_UNKNOWN', `no service is registered as "${service}"${who}`, {
      hint: `Register it with registerService('${service}', …) or registerInstance('${service}', …) before start().`,
    });
    this.service = service;
  }
}

/** The service is registered but does not run now. */
export class ServiceNotRunningError extends AicoError {
  readonly service: string;
  readonly state: string;

  constructor(service: string, state: string, askedBy?: string) {
    const who = askedBy === undefined ? '' : ` ("${askedBy}" asked for it)`;
    super('AICO_SERVICE_NOT_RUNNING', `service "${service}" is ${state}, not running${who}`, {
      hint: 'A service can be had from when it has started until it is stopped. Name it in `dependencies` to be started after it and stopped before it.',
    });
    this.service = service;
    this.state = state;
  }
}

/** A plugin asked for a service that it did not declare as a dependency. */
export class DependencyUndeclaredError extends AicoError {
  readonly service: string;
  readonly dependency: string;

  constructor(service: string, dependency: string, declared: readonly string[]) {
    const has = declared.length === 0 ? 'no dependencies' : `only ${declared.join(', ')}`;
    super(
      'AICO_SERVICE_UNDECLARED',
      `service "${service}" asked for "${dependency}" but declares ${has}, so nothing says that "${dependency}" runs before and after it`,
      { hint: `Add it where "${service}" is registered: dependencies: ['${dependency}', …].` },
    );
    this.service = service;
    this.dependency = dependency;
  }
}

/** The factory of a service threw or rejected; nothing of it runs. */
export class ServiceConstructError extends AicoError {
  readonly service: string;

  constructor(service: string, cause: unknown) {
    super('AICO_SERVICE_CONSTRUCT', `service "${service}" could not be constructed: ${reasonOf(cause)}`, {
      hint: hintOf(cause) ?? `Look at the constructor or factory of "${service}"; the cause has the place.`,
      cause,
    });
    this.service = service;
  }
}

/** `initialize()` of a service threw or rejected. */
export class ServiceInitializeError extends AicoError {
  readonly service: string;

  constructor(service: string, cause: unknown) {
    super('AICO_SERVICE_INITIALIZE', `service "${service}" failed in initialize(): ${reasonOf(cause)}`, {
      hint: hintOf(cause) ?? `Look at initialize() of "${service}"; the cause has the place.`,
      cause,
    });
    this.service = service;
  }
}

/** `start()` of a service threw or rejected. */
export class ServiceStartError extends AicoError {
  readonly service: string;

  constructor(service: string, cause: unknown) {
    super('AICO_SERVICE_START', `service "${service}" failed in start(): ${reasonOf(cause)}`, {
      hint: hintOf(cause) ?? `Look at start() of "${service}"; the cause has the place.`,
      cause,
    });
    this.service = service;
  }
}

const START_MISTAKES = {
  construct:
    'The promise its factory returned never settled. Only construct there; connect in initialize() or start().',
  initialize:
    'Most likely something it connects to does not answer, or an await never settles. Give what you wait for a deadline of its own.',
  start:
    'start() must return once the service runs. Most likely it awaits a loop that goes on: hand that to runInBackground() or every().',
} as const;

/** A service did not finish a phase of its start in time. */
export class ServiceStartTimeoutError extends AicoError {
  readonly service: string;
  readonly phase: 'construct' | 'initialize' | 'start';
  readonly timeoutMs: number;

  /** @param last what it had got done last, if it said so */
  constructor(
    service: string,
    phase: 'construct' | 'initialize' | 'start',
    timeoutMs: number,
    last?: string,
  ) {
    const what = phase === 'construct' ? 'its factory' : `${phase}()`;
    const how = last === undefined ? 'finish within' : 'get anything done for';
    super(
      'AICO_SERVICE_START_TIMEOUT',
      `service "${service}": ${what} did not ${how} ${Math.round(timeoutMs)} ms${last === undefined ? '' : `; at last ${last}`}`,
      {
        hint:
          last === undefined
            ? `${START_MISTAKES[phase]} If it truly needs longer, raise startTimeoutMs or core.lifecycle.start_timeout_ms.`
            : 'Look at the disk (dmesg): it answers too slowly or not at all. To wait longer, raise core.lifecycle.start_timeout_ms.',
      },
    );
    this.service = service;
    this.phase = phase;
    this.timeoutMs = timeoutMs;
  }
}

/** The start was called off before the service ran: by a stop, or because a required service failed. */
export class StartCancelledError extends AicoError {
  constructor(reason: string, cause?: unknown) {
    super('AICO_SERVICE_START_CANCELLED', `the start was called off: ${reason}`, {
      hint: 'What had started was stopped again; start anew when ready.',
      cause,
    });
  }
}

/** A step of a service's stop threw or rejected; the rest was stopped all the same. */
export class ServiceStopError extends AicoError {
  readonly service: string;

  constructor(service: string, step: string, cause: unknown) {
    super('AICO_SERVICE_STOP', `service "${service}" failed in ${step}: ${reasonOf(cause)}`, {
      hint: hintOf(cause) ?? `The rest was stopped all the same. Look at ${step} of "${service}".`,
      cause,
    });
    this.service = service;
  }
}

/** A step of a service's stop did not finish in time; the rest was stopped all the same. */
export class ServiceStopTimeoutError extends AicoError {
  readonly service: string;
  readonly step: string;
  readonly timeoutMs: number;

  constructor(service: string, step: string, timeoutMs: number) {
    super(
      'AICO_SERVICE_STOP_TIMEOUT',
      `service "${service}": ${step} did not finish within ${Math.round(timeoutMs)} ms`,
      {
        hint: 'Most likely it waits for work that does not look at this.signal. If it truly needs longer, raise stopTimeoutMs or the budget of the stop.',
      },
    );
    this.service = service;
    this.step = step;
    this.timeoutMs = timeoutMs;
  }
}

/** The whole stop did not end within its budget. */
export class StopBudgetError extends AicoError {
  constructor(budgetMs: number) {
    super('AICO_SERVICE_STOP_BUDGET', `the stop did not end within its budget of ${budgetMs} ms`, {
      hint: 'The stop report names what was slow. Raise the budget if the work in flight truly needs longer.',
    });
  }
}

/** Something a plugin opened could not be released in time. */
export class ReleaseTimeoutError extends AicoError {
  readonly resource: string;

  constructor(resource: string) {
    super('AICO_PLUGIN_RELEASE_TIMEOUT', `${resource} did not end in time`, {
      hint: 'Background work and timers must end when the signal they are given is aborted; handlers must return.',
    });
    this.resource = resource;
  }
}

/** A plugin opened something after it was stopped. */
export class PluginStoppedError extends AicoError {
  readonly plugin: string;

  constructor(plugin: string, what: string) {
    super('AICO_PLUGIN_STOPPED', `plugin "${plugin}" was stopped and cannot open ${what} any more`, {
      hint: 'Look at this.signal after each await of something long, and leave when it is aborted.',
    });
    this.plugin = plugin;
  }
}

/** An interval of a plugin's timer is not one. */
export class IntervalInvalidError extends AicoError {
  constructor(timer: string, intervalMs: number) {
    super('AICO_PLUGIN_INTERVAL', `timer "${timer}": ${intervalMs} is no interval`, {
      hint: 'Give milliseconds from 1 to 2147483647.',
    });
  }
}

/** There is no module where a plugin was said to be. */
export class PluginNotFoundError extends AicoError {
  readonly specifier: string;

  constructor(specifier: string, lookedAt: string, cause?: unknown) {
    super('AICO_PLUGIN_NOT_FOUND', `no plugin at "${specifier}" (looked at ${lookedAt})`, {
      hint: 'Give a folder or file (beginning with "./", "../" or "/") or the name of an installed package.',
      cause,
    });
    this.specifier = specifier;
  }
}

/** A plugin's module threw while it was loaded. */
export class PluginImportError extends AicoError {
  readonly specifier: string;

  constructor(specifier: string, file: string, cause: unknown) {
    const place = placeIn(cause);
    super(
      'AICO_PLUGIN_IMPORT',
      `plugin "${specifier}" cannot be loaded: ${reasonOf(cause)}${place === undefined ? '' : ` (${place})`}`,
      {
        hint: isMissingPackage(cause)
          ? `Packages are looked for in node_modules beside ${file} and above it: keep the plugin within the clone of the project, or install there what it imports, @aico/backend too.`
          : `The module ${file}, or one that it imports, is missing or failed while it was loaded.`,
        cause,
      },
    );
    this.specifier = specifier;
  }
}

function isMissingPackage(cause: unknown): boolean {
  return (
    cause instanceof Error &&
    'code' in cause &&
    cause.code === 'ERR_MODULE_NOT_FOUND' &&
    cause.message.startsWith('Cannot find package')
  );
}

/** The file, line and column that an error comes from, where its stack has them. A syntax error's has no column, and not always a place. */
function placeIn(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || ('code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND'))
    return undefined;
  return /file:\/\/(\/\S+?:\d+(?::\d+)?)\)?$/m.exec(cause.stack ?? '')?.[1];
}

/** A module was found and loaded, but offers no plugin. */
export class PluginExportError extends AicoError {
  readonly specifier: string;

  constructor(specifier: string, file: string, exported: readonly string[]) {
    const has = exported.length === 0 ? 'nothing' : exported.join(', ');
    super('AICO_PLUGIN_NO_EXPORT', `${file} exports no "plugin" (it exports ${has})`, {
      hint: 'Write: export const plugin = definePlugin({ name, version, description, start(plugin) { … } });',
    });
    this.specifier = specifier;
  }
}

/** A module's `plugin` is not what definePlugin() makes. */
export class PluginShapeError extends AicoError {
  readonly specifier: string;
  readonly problems: readonly string[];

  constructor(specifier: string, problems: readonly string[]) {
    super(
      'AICO_PLUGIN_SHAPE',
      `the "plugin" of "${specifier}" is no plugin definition: ${problems.join('; ')}`,
      {
        hint: 'Make it with definePlugin({ name, version, description, start(plugin) { … } }).',
      },
    );
    this.specifier = specifier;
    this.problems = problems;
  }
}

/** `create` of a plugin's definition returned something that no container can run. */
export class PluginCreateError extends AicoError {
  readonly plugin: string;

  constructor(plugin: string, returned: unknown) {
    const what = returned === null ? 'null' : Array.isArray(returned) ? 'an array' : typeof returned;
    super('AICO_PLUGIN_CREATE', `create() of plugin "${plugin}" returned ${what}, not a plugin`, {
      hint: 'Return an object of a class that extends BasePlugin. An arrow function with braces needs `return`.',
    });
    this.plugin = plugin;
  }
}

/** A route names a capability that no plugin declares, so that nobody could be granted it knowingly. */
export class CapabilityUndeclaredError extends AicoError {
  readonly plugin: string;
  readonly capability: string;

  constructor(plugin: string, route: string, capability: string, declared: readonly string[]) {
    super(
      'AICO_PLUGIN_CAPABILITY',
      `route ${route} of plugin "${plugin}" requires "${capability}", which no plugin declares`,
      {
        hint: `${suggestion(capability, declared)}Declare it in the definition of "${plugin}": capabilities: { '${capability}': 'what it allows' }.`,
      },
    );
    this.plugin = plugin;
    this.capability = capability;
  }
}

/** A plugin subscribes to a topic below the name of another plugin, which does not publish it. */
export class TopicUndeclaredError extends AicoError {
  readonly plugin: string;
  readonly topic: string;

  constructor(plugin: string, topic: string, owner: string, declared: readonly string[]) {
    super(
      'AICO_PLUGIN_TOPIC',
      `plugin "${plugin}" subscribes to "${topic}", which plugin "${owner}" does not publish`,
      {
        hint: `${suggestion(topic, declared)}"${owner}" declares ${declared.length === 0 ? 'no topics' : declared.join(', ')}. A topic of its own belongs in \`topics\` of its definition.`,
      },
    );
    this.plugin = plugin;
    this.topic = topic;
  }
}

/** Two plugins have one name. */
export class PluginNameTakenError extends AicoError {
  readonly plugin: string;

  constructor(plugin: string, module: string, other: string) {
    super('AICO_PLUGIN_NAME_TAKEN', `two plugins are named "${plugin}": ${other} and ${module}`, {
      hint: `Rename one in its definition, or load only one: \`aico plugin remove ${plugin}\` takes it out of the configuration.`,
    });
    this.plugin = plugin;
  }
}

/** A health check is registered under a name that is taken. */
export class HealthCheckTakenError extends AicoError {
  constructor(name: string) {
    super('AICO_HEALTH_CHECK_TAKEN', `a health check "${name}" is registered already`, {
      hint: 'Each check has a name of its own; a plugin has one under its name when it has a healthCheck().',
    });
  }
}

export function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function hintOf(cause: unknown): string | undefined {
  return cause instanceof AicoError ? cause.hint : undefined;
}
