import type { Backend, Ending } from '@aico/backend/host';
import { Secret } from '@aico/shared/core/config';
import { shellQuoted } from '@aico/shared/core/paths';

/** The report of a backend that is ready. */
export interface ReadyInfo {
  readonly pid: number;
  readonly version: string;
  readonly environment: string;
  readonly socket: string;
  readonly http: string;
  readonly data: string;
  /** The PostgreSQL server and its database, if the database is not the encrypted file in the home. */
  readonly server: string | undefined;
  readonly keyFile: string | undefined;
  readonly plugins: readonly string[];
  /** Whether it waits to be unlocked. */
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
    server: serverOf(config.get('core.database.url')),
    keyFile: keysMade === 'key-file' ? paths.keyFile : undefined,
    plugins: plugins.map(({ definition }) => definition.name),
    locked: backend.isLocked(),
  };
}

/** The address without the user and the password. */
function serverOf(url: unknown): string | undefined {
  if (!(url instanceof Secret)) return undefined;
  const { host, pathname } = new URL(url.reveal());
  return `${host}${pathname}`;
}

interface BannerOptions {
  /** The home folder, if one was given: the suggested commands name it. */
  readonly home: string | undefined;
  readonly isForeground: boolean;
}

/** Tells where the backend listens, where the data is, and how to stop it. */
export function banner(ready: ReadyInfo, { home, isForeground }: BannerOptions): string {
  const command = (words: string): string =>
    `npx aico ${words}${home === undefined ? '' : ` --home ${shellQuoted(home)}`}`;
  const lines = [
    `AICO ${ready.version} is ${ready.locked ? 'locked' : 'ready'} (${ready.environment})`,
    `  API      ${ready.socket} (this user only)`,
    `  Health   ${ready.http}/readyz`,
    `  Data     ${ready.data} (encrypted)`,
    ...(ready.server === undefined
      ? []
      : [`  Database ${ready.server} (PostgreSQL; \`aico db status\` lists the columns in the clear)`]),
    `  Plugins  ${ready.plugins.join(', ') || 'none'}`,
  ];
  if (ready.locked) lines.push(`  Unlock   ${command('security unlock')}`);
  if (ready.keyFile !== undefined) {
    lines.push(
      `  Key      ${ready.keyFile} was made: anyone who can read this file can read the data.`,
      `           To protect the home by a password instead: ${command('security passwd')}`,
    );
  }
  return [...lines, `  Stop     ${isForeground ? 'Ctrl-C, or: ' : ''}${command('stop')}`].join('\n');
}

/** A stop lists phases that took at least this many milliseconds. */
const NOTICEABLE_MS = 200;

/** Tells how long a stop took, and what it waited for. */
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
