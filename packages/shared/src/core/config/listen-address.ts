import { Type } from 'typebox';

const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?';
const BYTE = '(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)';
const IPV4 = `${BYTE}(?:\\.${BYTE}){3}`;
/** A zone belongs to link-local addresses alone (RFC 4007). */
const IPV6 = '[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*|[Ff][Ee]80:[0-9A-Fa-f:]*%[A-Za-z0-9]+';
/** The last label begins with a letter: the system reads `0`, `127.1` and `0x0` as addresses, `0` as every interface. */
const NAME = `(?:${LABEL}\\.)*[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?`;
const PATTERN = `^(?:${IPV4}|${IPV6}|${NAME})$`;

/**
 * The schema of an address to listen on: an IP address in full or a host name. Short forms, such as `0`, `*` or `[::1]`, are refused
 * when the configuration is read, because some of them would open every interface and others fail only at the start.
 *
 * @example
 * Type.Object({ host: ListenAddress({ default: '127.0.0.1', description: 'Address of the public port.' }) })
 */
export const ListenAddress = (options: { readonly default: string; readonly description: string }) =>
  Type.String({ ...options, pattern: PATTERN, expectation: 'an IP address or a host name' });
