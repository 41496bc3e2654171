import type { AicoError } from '@aico/protocol';
import { formatMs } from './format.ts';
import type { ServiceRecord } from './service-record.ts';
import type { ServiceState, StartPhase } from './service-state.ts';

/** One service in the report. */
export interface ServiceReport {
  readonly name: string;
  readonly state: ServiceState['kind'];
  readonly required: boolean;
  /** The required service that needs it, if it was registered as optional. */
  readonly requiredBy: string | undefined;
  readonly priority: number;
  readonly dependencies: readonly string[];
  /** The current phase, while it starts. */
  readonly phase: StartPhase | undefined;
  /** Why it is held, if it is. */
  readonly heldBecause: string | undefined;
  readonly attempts: number;
  /** Milliseconds from the start of the container until its first phase. */
  readonly waitedMs: number;
  /** The dependency that became ready last. */
  readonly waitedOn: string | undefined;
  /** The dependencies that are not running now. */
  readonly waitingFor: readonly string[];
  /** Milliseconds of each phase of the last attempt. */
  readonly phases: Readonly<Partial<Record<StartPhase, number>>>;
  readonly ms: number;
  readonly retryInMs: number | undefined;
  readonly error:
    | { readonly code: string; readonly message: string; readonly hint: string | undefined }
    | undefined;
}

/** The report of a start: one entry per service, in order of registration. */
export class StartReport {
  /** Milliseconds until every service that could start had started. */
  readonly totalMs: number;
  readonly services: readonly ServiceReport[];

  constructor(totalMs: number, services: readonly ServiceReport[]) {
    this.totalMs = totalMs;
    this.services = services;
  }

  /** One line per service, in start order. */
  toText(): string {
    const running = this.services.filter(({ state }) => state === 'running').length;
    const width = Math.max(0, ...this.services.map(({ name }) => name.length));
    const lines = this.services
      .toSorted((a, b) => a.waitedMs - b.waitedMs)
      .map((service) => line(service, width));
    return [
      `${running} of ${this.services.length} services run, after ${formatMs(this.totalMs)}`,
      ...lines,
    ].join('\n');
  }

  toJSON(): Pick<StartReport, 'totalMs' | 'services'> {
    return { totalMs: this.totalMs, services: this.services };
  }
}

function line(service: ServiceReport, width: number): string {
  const phases = Object.entries(service.phases).map(([phase, ms]) => `${phase} ${formatMs(ms)}`);
  const notes = [
    ...(phases.length > 1 ? [phases.join(', ')] : []),
    ...(service.attempts > 1 ? [`attempt ${service.attempts}`] : []),
    ...(service.waitedOn === undefined
      ? []
      : [`waited ${formatMs(service.waitedMs)} for ${service.waitedOn}`]),
    ...(service.state === 'waiting' ? [`waits for ${service.waitingFor.join(', ')}`] : []),
    ...(service.heldBecause === undefined ? [] : [service.heldBecause]),
    ...(service.retryInMs === undefined ? [] : [`tried again after ${formatMs(service.retryInMs)}`]),
    ...(service.requiredBy === undefined ? [] : [`required by ${service.requiredBy}`]),
    ...(service.error === undefined ? [] : [`${service.error.code}: ${service.error.message}`]),
  ];
  return `  ${service.name.padEnd(width)}  ${service.state.padEnd(10)}  ${formatMs(service.ms).padStart(8)}  ${notes.join(' · ')}`.trimEnd();
}

/** The present state of one service. */
export function reportOn(record: ServiceRecord, isRunning: (name: string) => boolean): ServiceReport {
  const { state, phases, lastError } = record;
  return {
    name: record.name,
    state: state.kind,
    required: record.required,
    requiredBy: record.requiredBy,
    priority: record.options.priority,
    dependencies: record.options.dependencies,
    phase: state.kind === 'starting' ? state.phase : undefined,
    heldBecause: state.kind === 'held' ? state.reason : undefined,
    attempts: record.attempts,
    waitedMs: record.waitedMs,
    waitedOn: record.waitedOn,
    waitingFor:
      state.kind === 'waiting' ? record.options.dependencies.filter((name) => !isRunning(name)) : [],
    phases: { ...phases },
    ms: Object.values(phases).reduce((sum, ms) => sum + ms, 0),
    retryInMs: state.kind === 'retrying' ? state.retryInMs : undefined,
    error: lastError === undefined ? undefined : errorView(lastError),
  };
}

function errorView({ code, message, hint }: AicoError): {
  code: string;
  message: string;
  hint: string | undefined;
} {
  return { code, message, hint };
}
