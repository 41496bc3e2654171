import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';

/**
 * Whether a request names this machine, as its `Host` and, where a page sent it, its `Origin`. A page from elsewhere that
 * has a name of its own point at this machine (DNS rebinding) does not.
 */
export function namesThisMachine({ headers }: IncomingMessage, allowed: readonly string[]): boolean {
  const host = nameOf(`http://${headers.host ?? ''}`);
  return host !== undefined && isOwnName(host, allowed);
}

/** Whether a page of another origin sent it. */
export function comesFromElsewhere({ headers }: IncomingMessage): boolean {
  const { origin, host } = headers;
  if (origin !== undefined && origin !== `http://${host}`) return true;
  const site = headers['sec-fetch-site'];
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}

function isOwnName(name: string, allowed: readonly string[]): boolean {
  // An address cannot be made to point elsewhere.
  if (isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost')) return true;
  const own = hostname().toLowerCase();
  return [own, `${own}.local`, ...allowed.map((each) => each.toLowerCase())].includes(name);
}

function nameOf(url: string): string | undefined {
  const parsed = URL.parse(url);
  if (parsed === null || parsed.username !== '' || parsed.pathname !== '/') return undefined;
  return parsed.hostname.replace(/^\[|\]$/g, '');
}
