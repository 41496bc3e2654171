import { readFileSync } from 'node:fs';
import { parseJson } from '@aico/protocol';
import type { ProcessIdentity } from './process-identity.ts';

/** The content of the instance file of a running backend, for `aico status` and `aico stop`. */
export interface RunningInstance {
  readonly pid: number;
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  /** The local socket that serves the API. */
  readonly socket: string;
  readonly http: string;
  /** Distinguishes the process from a later one with the same id; absent if the system does not support it. */
  readonly process?: ProcessIdentity | undefined;
}

/** Reads the instance file; `undefined` if it is missing or unreadable. */
export function readInstance(instanceFile: string): RunningInstance | undefined {
  try {
    const value: unknown = parseJson(readFileSync(instanceFile, 'utf8'));
    return isRunningInstance(value) ? value : undefined;
  } catch {
    // Missing, or half-written by a process that died.
    return undefined;
  }
}

function isRunningInstance(value: unknown): value is RunningInstance {
  return (
    typeof value === 'object' &&
    value !== null &&
    'pid' in value &&
    typeof value.pid === 'number' &&
    'startedAt' in value &&
    typeof value.startedAt === 'string' &&
    'socket' in value &&
    typeof value.socket === 'string' &&
    'http' in value &&
    typeof value.http === 'string' &&
    (!('process' in value) || isIdentity(value.process))
  );
}

function isIdentity(value: unknown): value is ProcessIdentity {
  return (
    typeof value === 'object' &&
    value !== null &&
    'pid' in value &&
    typeof value.pid === 'number' &&
    'startTime' in value &&
    typeof value.startTime === 'string' &&
    (!('bootId' in value) || typeof value.bootId === 'string')
  );
}
