import type { Backend, Ending } from '@aico/backend/host';

/** What a backend says of itself once it is ready. */
export interface ReadyInfo {
  readonly pid: number;
  readonly version: string;
  readonly environment: string;
  readonly socket: string;
  readonly http: string;
  readonly data: string;
  readonly keyFile: string | undefined;
  readonly plugins: readonly string[];
  /** It waits to be unlocked. */
  readonly locked: boolean;
}

export function readyInfoOf(backend: Backend): ReadyInfo {
  const { paths, config, socket, http, plugins, keysMade, version } = backend;
  return {
    pid: process.pid,
    version,
    environment: config.get('environment', 'development'),
    socket,
    http,
    data: paths.dataDir,
    keyFile: keysMade === 'key-file' ? paths.keyFile : undefined,
    plugins: plugins.map(({ definition }) => definition.name),
    locked: backend.isLocked(),
  };
}

/** Where it listens, where the data lies, and how to stop it. */
export function banner(ready: ReadyInfo, howToStop: string): string {
  const lines = [
    `AICO ${ready.version} is ${ready.locked ? 'locked' : 'ready'} (${ready.environment})`,
    `  API      ${ready.socket} (this user only)`,
    `  Health   ${ready.http}/readyz`,
    `  Data     ${ready.data} (encrypted)`,
    `  Plugins  ${ready.plugins.join(', ') || 'none'}`,
  ];
  if (ready.locked) lines.push('  Unlock   npx aico security unlock');
  if (ready.keyFile !== undefined) {
    lines.push(
      `  Key      made ${ready.keyFile}: whoever can read this file can read the data.`,
      '           To protect the home by a password instead: npx aico security passwd',
    );
  }
  return [...lines, `  Stop     ${howToStop}`].join('\n');
}

/** Milliseconds from which on a stop says what it waited for. */
const NOTICEABLE_MS = 200;

/** How long a stop took, and what it waited for. */
export function endingText({ reason, drainMs, report }: Ending): string {
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
  const waits = [
    ...(drainMs >= NOTICEABLE_MS ? [`  ${seconds(drainMs)} for requests in flight`] : []),
    ...report.slowerThan(NOTICEABLE_MS).map(({ name, ms }) => `  ${seconds(ms)} for ${name}`),
  ];
  const troubles = report.services.flatMap(({ troubles: each }) => each.map(({ message }) => `  ${message}`));
  const total = `AICO has stopped (${reason}) after ${seconds(drainMs + report.totalMs)}`;
  return [waits.length > 0 ? `${total}. It waited:` : `${total}.`, ...waits, ...troubles].join('\n');
}
