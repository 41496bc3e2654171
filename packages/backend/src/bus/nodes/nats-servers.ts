import { isLoopback, type Secret } from '@aico/shared/core/config';
import { NatsSettingsError } from '../errors.ts';

/** The settings of `core.message_bus.nats`. */
export interface NatsSettings {
  readonly url?: string | readonly string[] | undefined;
  readonly nkey?: Secret | undefined;
  readonly tls: {
    readonly ca_file?: string | undefined;
    readonly certificate_file?: string | undefined;
    readonly key_file?: string | undefined;
  };
}

/** The servers to connect to, and how. */
export interface NatsServers {
  readonly servers: readonly string[];
  /** The host of each server, one of which the certificate of a server names. */
  readonly hosts: readonly string[];
  /** Whether the connection is not encrypted by TLS, which is allowed on this machine alone. */
  readonly plain: boolean;
  readonly tls: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string };
  /** The seed of the nkey with which this node authenticates. */
  readonly seed: Uint8Array | undefined;
}

const SEED = /^SU[A-Z2-7]{56}$/;

/**
 * Reads the settings; `undefined` if no server is set.
 *
 * @throws {NatsSettingsError} when a server would be reached without TLS or without a credential over a network
 */
export function readNatsServers({ url, nkey, tls }: NatsSettings): NatsServers | undefined {
  const urls = (typeof url === 'string' ? [url] : (url ?? [])).map(readUrl);
  if (urls.length === 0) return undefined;
  const isPlain = urls.map(({ protocol }) => protocol === 'nats:');
  if (new Set(isPlain).size > 1) throw new NatsSettingsError('url', 'mixes nats:// and tls://');
  const plain = isPlain[0] === true;
  const { ca_file, certificate_file, key_file } = tls;
  if ((certificate_file === undefined) !== (key_file === undefined))
    throw new NatsSettingsError('tls', 'needs certificate_file and key_file together');
  if (plain && (ca_file ?? certificate_file) !== undefined)
    throw new NatsSettingsError('tls', 'is set, and the url begins with nats://, not with tls://');
  const seed = nkey?.reveal();
  if (seed !== undefined && !SEED.test(seed))
    throw new NatsSettingsError('nkey', 'is not the seed of a user: it begins with SU and has 58 characters');
  for (const { hostname } of urls) {
    if (isLoopback(hostname)) continue;
    if (plain) throw new NatsSettingsError('url', `would reach ${hostname} without TLS: use tls://`);
    if (seed === undefined && certificate_file === undefined)
      throw new NatsSettingsError('url', `would reach ${hostname} without a credential`);
  }
  return {
    servers: urls.map(({ host, port }) => (port === '' ? `${host}:4222` : host)),
    hosts: urls.map(({ hostname }) => hostname.replace(/^\[|\]$/g, '')),
    plain,
    tls: {
      ...(ca_file === undefined ? {} : { caFile: ca_file }),
      ...(certificate_file === undefined ? {} : { certFile: certificate_file }),
      ...(key_file === undefined ? {} : { keyFile: key_file }),
    },
    seed: seed === undefined ? undefined : Buffer.from(seed),
  };
}

function readUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['nats:', 'tls:'].includes(url.protocol) || url.hostname === '')
    throw new NatsSettingsError('url', 'has the form tls://host:4222 or nats://127.0.0.1:4222');
  if (url.username !== '' || url.password !== '')
    throw new NatsSettingsError('url', 'contains a user or password, which a url does not keep secret');
  return url;
}
