import { AddressInvalidError } from '../errors.ts';

/** The base of a client's paths. There is one backend, so it ignores the origin. */
export const ORIGIN = 'http://aico.local';

/** The default public port of a backend. */
const PORT = 8771;
const CHANNEL_PATH = 'channel';
const SCHEMES: Readonly<Record<string, 'http:' | 'https:'>> = {
  'http:': 'http:',
  'ws:': 'http:',
  'https:': 'https:',
  'wss:': 'https:',
};

/** The URL at which channels are opened: `http:`, or `https:` behind a proxy that terminates TLS. */
export function channelUrl(address: string): URL {
  const text = address.trim();
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  const scheme = url === null ? undefined : SCHEMES[url.protocol];
  if (url === null || scheme === undefined || url.hostname === '') throw new AddressInvalidError(address);
  if (url.username !== '' || url.search !== '' || url.hash !== '') throw new AddressInvalidError(address);
  const port = url.port === '' && scheme === 'http:' && !namesPort(text) ? `${PORT}` : url.port;
  const path = `${url.pathname.replace(/\/$/, '')}/${CHANNEL_PATH}`;
  return new URL(`${scheme}//${url.hostname}${port === '' ? '' : `:${port}`}${path}`);
}

/** Whether the text contains a port, even the default port of the scheme, which a URL omits. */
function namesPort(text: string): boolean {
  return /:\d+(?:\/|$)/.test(text.replace(/^[a-z]+:\/\//i, ''));
}
