import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';

/**
 * Whether `Host` and, if present, `Origin` of a request name this machine. A page whose own host name resolves to this machine
 * (DNS rebinding) does not.
 */
export function namesThisMachine({ headers }: IncomingMessage, allowed: readonly string[]): boolean {
  const host = nameOf(`http://${headers.host ?? ''}`);
  return host !== undefined && isOwnName(host, allowed);
}

/** Whether a page of another origin sent the request. */
export function comesFromElsewhere({ headers }: IncomingMessage): boolean {
  const { origin, host } = headers;
  if (origin !== undefined && origin !== `http://${host}`) return true;
  const site = headers['sec-fetch-site'];
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}

function isOwnName(name: string, allowed: readonly string[]): boolean {
  // An address cannot be rebound.
  if (isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost')) return true;
  const own = hostname().toLowerCase();
  return [own, `${own}.local`, ...allowed.map((each) => each.toLowerCase())].includes(name);
}

function nameOf(url: string): string | undefined {
  const parsed = URL.parse(url);
  if (parsed === null || parsed.username !== '' || parsed.pathname !== '/') return undefined;
  return parsed.hostname.replace(/^\[|\]$/g, '');
}
