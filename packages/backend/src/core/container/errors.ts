import { defineError, hintOf, reasonOf } from '@aico/protocol';
import { shownPlace } from '../failure-place.ts';

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
    'start() must return once the service runs. Most likely it awaits an endless loop: pass that to runInBackground() or every().',
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
          : `${START_MISTAKES[phase]} Or the disk answers too slowly: look at dmesg. To wait longer, raise startTimeoutMs or core.lifecycle.start_timeout_ms.`,
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
    hint: hintOf(cause) ?? `Everything else was stopped. Look at ${step} of "${service}".`,
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
