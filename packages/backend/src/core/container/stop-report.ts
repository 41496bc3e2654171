import type { AicoError } from '@aico/protocol';
import { formatMs } from './format.ts';

/** How one service was stopped. */
export interface StoppedService {
  readonly name: string;
  /** `timeout`: a step hung; `failed`: a step threw. */
  readonly outcome: 'stopped' | 'failed' | 'timeout';
  readonly ms: number;
  readonly troubles: readonly AicoError[];
}

/** The report of a stop: the services in the order they were stopped, with their errors. */
export class StopReport {
  readonly reason: string;
  readonly totalMs: number;
  /** In the order they were stopped, which is the reverse of the start order. */
  readonly services: readonly StoppedService[];

  constructor(reason: string, totalMs: number, services: readonly StoppedService[]) {
    this.reason = reason;
    this.totalMs = totalMs;
    this.services = services;
  }

  /** Whether every service stopped without an error. */
  get clean(): boolean {
    return this.services.every(({ outcome }) => outcome === 'stopped');
  }

  get timedOut(): boolean {
    return this.services.some(({ outcome }) => outcome === 'timeout');
  }

  /** Services whose stop took at least `ms`, slowest first, with their errors. */
  slowerThan(ms: number): readonly StoppedService[] {
    return this.services.filter((service) => service.ms >= ms).toSorted((a, b) => b.ms - a.ms);
  }

  toText(): string {
    const width = Math.max(0, ...this.services.map(({ name }) => name.length));
    const lines = this.services.flatMap(({ name, outcome, ms, troubles }) => [
      `  ${name.padEnd(width)}  ${outcome.padEnd(7)}  ${formatMs(ms)}`,
      ...troubles.map((trouble) => `    ${trouble.message}`),
    ]);
    return [
      `stopped ${this.services.length} services in ${formatMs(this.totalMs)} (${this.reason})`,
      ...lines,
    ].join('\n');
  }

  toJSON(): object {
    return {
      reason: this.reason,
      totalMs: this.totalMs,
      clean: this.clean,
      services: this.services.map(({ name, outcome, ms, troubles }) => ({
        name,
        outcome,
        ms,
        troubles: troubles.map(({ code, message, hint }) => ({ code, message, hint })),
      })),
    };
  }
}
