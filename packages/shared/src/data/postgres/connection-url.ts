import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { reasonOf } from '@aico/protocol';
import { DatabaseUrlError } from './errors.ts';

/** A server and the way to it. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string | undefined;
  /** `false` only for a Unix domain socket or a loopback address. */
  readonly tls: ConnectionOptions | false;
  /** The server and the name of the database, without password. */
  readonly location: string;
}

const EXAMPLE = 'An example: postgres://aico:PASSWORD@db.example.org/aico?sslrootcert=/etc/ssl/db-ca.pem';
const KNOWN = new Set(['host', 'port', 'sslmode', 'sslrootcert']);

/**
 * Reads `postgres://user:password@host:port/database`. The certificate of the server is verified, also its name. A connection without
 * TLS is made only over a Unix domain socket (`?host=/var/run/postgresql`), or with `?sslmode=disable` on the loopback interface.
 *
 * @throws {DatabaseUrlError}
 */
export function readServerUrl(text: string): ServerAddress {
  const refuse = (reason: string, hint = EXAMPLE): never => {
    throw new DatabaseUrlError(reason, hint);
  };
  const url = URL.parse(text);
  if (url === null || !/^postgres(?:ql)?:$/.test(url.protocol))
    return refuse('is not the address of a PostgreSQL server');
  const unknown = [...url.searchParams.keys()].filter((name) => !KNOWN.has(name));
  if (unknown.length > 0)
    refuse(`has the unknown parameter ${unknown.join(', ')}`, `Known: ${[...KNOWN].join(', ')}.`);
  const host = url.searchParams.get('host') ?? decodeURIComponent(url.hostname).replace(/^\[|\]$/g, '');
  const port = Number(url.searchParams.get('port') ?? (url.port === '' ? 5_432 : url.port));
  const database = decodeURIComponent(url.pathname.slice(1));
  const user = decodeURIComponent(url.username);
  if (host === '' || database === '' || user === '') refuse('names no host, no user or no database');
  if (!Number.isInteger(port) || port < 1 || port > 65_535) refuse('has an invalid port');
  const isLocal = host.startsWith('/') || /^(?:localhost|127\.\d+\.\d+\.\d+|::1)$/.test(host);
  const mode = url.searchParams.get('sslmode') ?? (isLocal ? 'disable' : 'verify-full');
  if (mode !== 'disable' && mode !== 'verify-full')
    refuse(
      `has sslmode=${mode}`,
      'The server is always verified: use verify-full, or disable on this machine.',
    );
  if (mode === 'disable' && !isLocal)
    refuse(
      'would send the data of the database in the clear over the network',
      'Remove sslmode=disable: without TLS only a server on this machine is used.',
    );
  const authority = url.searchParams.get('sslrootcert');
  return {
    host,
    port,
    database,
    user,
    password: url.password === '' ? undefined : decodeURIComponent(url.password),
    tls: mode === 'disable' ? false : { ...authorityFrom(authority, refuse), minVersion: 'TLSv1.2' },
    location: `${user}@${host.startsWith('/') ? `${host}:${port}` : new URL(`x://${host.includes(':') ? `[${host}]` : host}:${port}`).host}/${database}`,
  };
}

function authorityFrom(
  file: string | null,
  refuse: (reason: string, hint: string) => never,
): ConnectionOptions {
  if (file === null) return {};
  try {
    return { ca: readFileSync(file) };
  } catch (error) {
    return refuse(
      `names the certificate ${file}, which cannot be read: ${reasonOf(error)}`,
      'Check the path and that you may read the file.',
    );
  }
}
