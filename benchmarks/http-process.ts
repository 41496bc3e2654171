/**
 * A process of P1 and P2: a server (`sealed`, `tls`, `clear`), or the client that sends requests to it. All servers have the same
 * route: POST, a JSON body of 200 characters validated against a schema, a small answer.
 */
import { readFileSync } from 'node:fs';
import { cpuUsage } from 'node:process';
import { createTestBackend, localRequest } from '@aico/backend/testing';
import { Channels, type Credentials, pair } from '@aico/client';
import fastify, { type FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { Pool } from 'undici';

export type HttpSide = 'sealed' | 'tls' | 'clear';

/** The address of a server, and the data that its client needs. */
export interface HttpPlace {
  readonly url: string;
  readonly credentials?: Credentials;
  readonly certificate?: string;
}

export interface HttpLoad {
  readonly side: HttpSide;
  readonly place: HttpPlace;
  readonly connections: number;
  /** Whether each connection has its own sealed channel, instead of one channel for all. */
  readonly isApart: boolean;
}

export interface HttpCount {
  readonly requests: number;
  readonly seconds: number;
  /** Processor time of this process during the measurement. */
  readonly cpuSeconds: number;
}

const Note = Type.Object({ text: Type.String({ maxLength: 1_000 }) });
/** A JSON text of 200 characters. */
const BODY = JSON.stringify({ text: 'a'.repeat(200 - '{"text":""}'.length) });

const PATH = '/api/v1/notes';

async function serveSealed(): Promise<HttpPlace> {
  // Each round has a new client, and all of them open their channels from the same address.
  const backend = await createTestBackend({ config: { 'core.channel.handshake_burst': 10_000 } });
  await backend.container.getService('gateway').mount('notes', (app) => {
    app.post('/', { config: { access: 'notes:write' }, schema: { body: Note } }, ({ body }) => ({
      length: body.text.length,
    }));
  });
  const reply = await localRequest(backend.socket, '/api/v1/devices/pairings', { method: 'POST', body: {} });
  const { code } = reply.json() as { readonly code: string };
  return { url: backend.http, credentials: await pair({ address: backend.http, code, name: 'load' }) };
}

async function serveBare(https: { readonly key: string; readonly cert: string } | null): Promise<HttpPlace> {
  // Fastify's type differs with and without TLS; the methods used here are the same.
  const app = (https === null
    ? fastify()
    : fastify({ https: { ...https, minVersion: 'TLSv1.3' } })) as unknown as FastifyInstance;
  app.post<{ Body: { text: string } }>(PATH, { schema: { body: Note } }, async ({ body }) => ({
    length: body.text.length,
  }));
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return https === null ? { url } : { url, certificate: https.cert };
}

/** Opens the connections. Returns a function that keeps a request in flight on each of them for a number of milliseconds. */
async function openLoad({ side, place, connections, isApart }: HttpLoad) {
  const pools = await poolsOf(side, place, connections, isApart);
  return async (milliseconds: number): Promise<HttpCount> => {
    let requests = 0;
    const began = performance.now();
    const cpu = cpuUsage();
    const worker = async (_: unknown, index: number): Promise<void> => {
      const pool = pools[index % pools.length];
      while (pool !== undefined && performance.now() < began + milliseconds) {
        await oneRequest(pool);
        requests += 1;
      }
    };
    await Promise.all(Array.from({ length: connections }, worker));
    const used = cpuUsage(cpu);
    return {
      requests,
      seconds: (performance.now() - began) / 1_000,
      cpuSeconds: (used.user + used.system) / 1e6,
    };
  };
}

async function oneRequest(pool: Pool): Promise<void> {
  const { statusCode, body } = await pool.request({
    method: 'POST',
    path: PATH,
    headers: { 'content-type': 'application/json' },
    body: BODY,
  });
  const text = await body.text();
  if (statusCode !== 200 || text !== '{"length":189}') throw new Error(`${statusCode} ${text}`);
}

async function poolsOf(
  side: HttpSide,
  place: HttpPlace,
  connections: number,
  isApart: boolean,
): Promise<readonly Pool[]> {
  if (side === 'clear') return [new Pool(place.url, { connections })];
  if (side === 'tls') {
    const connect = { ca: place.certificate ?? '' };
    return [new Pool(place.url.replace('127.0.0.1', 'localhost'), { connections, connect })];
  }
  const { url: address, credentials } = place;
  if (credentials === undefined) throw new TypeError('a sealed channel needs credentials');
  const sealed = async (count: number): Promise<Pool> => {
    const { connector: connect } = await Channels.open({ address, credentials });
    return new Pool('http://aico.local', { connections: count, connect });
  };
  if (!isApart) return [await sealed(connections)];
  return Promise.all(Array.from({ length: connections }, () => sealed(1)));
}

const [role, keyFile, certFile] = process.argv.slice(2);
if (role === 'client') {
  let load: ((milliseconds: number) => Promise<HttpCount>) | undefined;
  const obey = async (order: HttpLoad | number): Promise<void> => {
    if (typeof order !== 'number') load = await openLoad(order);
    process.send?.(typeof order === 'number' ? await load?.(order) : 'open');
  };
  process.on('message', (order: HttpLoad | number) => void obey(order));
} else {
  const place =
    role === 'sealed'
      ? await serveSealed()
      : await serveBare(
          role === 'tls'
            ? { key: readFileSync(keyFile ?? '', 'utf8'), cert: readFileSync(certFile ?? '', 'utf8') }
            : null,
        );
  let before = cpuUsage();
  process.on('message', () => {
    const { user, system } = cpuUsage(before);
    before = cpuUsage();
    process.send?.((user + system) / 1e6);
  });
  process.send?.(place);
}
