/**
 * R7: unencrypted requests of every method and form to every route of a backend with plugins. None reaches a handler, and the
 * answer is that of a probe or, byte for byte, the constant refusal.
 */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { createTestBackend, localRequest } from '@aico/backend/testing';
import type { Campaign } from './campaign.ts';
import {
  type ClearRequest,
  type ClearTarget,
  inChannel,
  lingeringRequests,
  requestsAnywhere,
  requestsFor,
} from './fixtures/clear-requests.ts';
import { below, randomFrom } from './fixtures/random.ts';

const PLUGIN = fileURLToPath(new URL('./fixtures/witness.ts', import.meta.url));
const AT_ONCE = 32;
/** Milliseconds for which the port may keep an idle connection, with a margin for a busy machine. */
const PATIENCE_MS = 30_000;
const PROBE =
  /^HTTP\/1\.1 (?:200 OK|503 Service Unavailable)\r\n(?:(?:content-type: application\/json|cache-control: no-store|Date: [^\r]+|Connection: keep-alive|Keep-Alive: timeout=\d+|Content-Length: \d+|Transfer-Encoding: chunked)\r\n)+\r\n(?:[0-9a-f]+\r\n)?\{"status":"(?:alive|ready|not ready)"\}(?:\r\n0\r\n\r\n)?/;
/^HTTP\/1\.1 101 Switching Protocols\r\nUpgrade: aico-channel\/1\r\nConnection: Upgrade\r\n\r\n/;

/** Sends bytes on a new connection. @returns the answer until the server closes the connection */
async function say(port: number, { bytes, lingers = false }: ClearRequest): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const answer: Buffer[] = [];
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      socket.destroy();
      reject(new Error(`still open; answered so far: ${Buffer.concat(answer)}`));
    }, PATIENCE_MS);
    socket.on('data', (chunk) => answer.push(chunk));
    // A peer that sends too much is cut off while it sends.
    socket.on('error', () => {});
    socket.once('end', () => socket.end());
    socket.once('close', () => {
      clearTimeout(late);
      resolve(Buffer.concat(answer).toString('latin1'));
    });
    if (lingers) socket.write(bytes);
    else socket.end(bytes);
  });
}

/** The constant refusals of a backend. */
interface Constants {
  readonly refusal: string;
  /** The reply that opens a channel, followed by its refusal. */
  readonly channel: string;
  readonly webSocketChannel: string;
}

/** The part of `answer` that is not allowed; an empty string if all of it is. */
function rest(
  answer: string,
  { answers }: ClearRequest,
  { refusal, channel, webSocketChannel }: Constants,
): string {
  let left = answer;
  for (const expected of answers) {
    if (expected === 'probe') left = PROBE.test(left) ? left.replace(PROBE, '') : `no probe: ${left}`;
    else if (expected === 'channel') left = left === channel ? '' : `no refusal of the channel: ${left}`;
    else if (expected === 'WebSocket channel')
      left = left === webSocketChannel ? '' : `no refusal of the channel: ${left}`;
    else {
      const whole = expected === 'refusal' ? refusal : refusal.slice(0, refusal.indexOf('\r\n\r\n') + 4);
      // A peer that is still sending may lose the answer, but must not get another one.
      left = left === whole || (left === '' && answer === '') ? '' : `not the refusal: ${left}`;
    }
  }
  return left;
}

function* targets(paths: readonly string[], host: string): Iterable<ClearTarget> {
  for (const path of paths) yield { path, host, canary: `canary-${randomBytes(9).toString('hex')}` };
}

export const campaign: Campaign = async ({ count, seed, report }) => {
  const random = randomFrom(seed);
  const backend = await createTestBackend({
    plugins: [PLUGIN],
    config: { 'core.channel.handshake_burst': 1_000_000 },
  });
  try {
    const port = Number(new URL(backend.http).port);
    const host = `127.0.0.1:${port}`;
    const { paths } = (await localRequest(backend.socket, '/api/v1/openapi')).json() as { paths: object };
    const routes = Object.keys(paths).map((path) => path.replace(/\{\w+\}/g, '7'));
    const all = [...targets(routes, host)].flatMap(requestsFor);
    const once: ClearTarget = { path: '/', host, canary: 'canary' };
    const everywhere = [...requestsFor(once), ...requestsAnywhere(once)];
    // A short count omits most routes and the requests that take seconds, but no other form of request.
    const chosen =
      count === undefined
        ? [...all, ...everywhere, ...lingeringRequests(once)]
        : [...everywhere, ...Array.from({ length: count }, () => all[below(random, all.length)] ?? all[0])];
    const requests = chosen.filter((each) => each !== undefined);
    report(`${routes.length} routes, ${requests.length} requests`);

    const saying = (bytes: string | Buffer, lingers = false): Promise<string> =>
      say(port, { name: '', bytes: Buffer.from(bytes), answers: [], lingers });
    const refusal = await saying(`GET /nothing HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    // Bytes that are not HTTP must get the same answer.
    const channel = await saying(inChannel(host, '\0\x01x', 'raw'));
    const webSocketChannel = await saying(inChannel(host, '\0\x01x'.padEnd(200, 'x'), 'websocket'), true);
    const constants = { refusal, channel, webSocketChannel };
    const witness = backend.container.getService('witness');
    let failures = 0;
    let silent = 0;
    const queue = requests.values();
    const work = async (): Promise<void> => {
      for (const request of queue) {
        const answer = await say(port, request).catch((error: unknown) => String(error));
        if (answer === '') silent += 1;
        const wrong = rest(answer, request, constants);
        if (wrong === '') continue;
        failures += 1;
        report(`${request.name}: ${JSON.stringify(wrong.slice(0, 300))}`);
      }
    };
    const before = witness.reached;
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    const reached = witness.reached - before;
    if (reached > 0) report(`${reached} requests reached a handler`);
    // The counter of handled requests must work, otherwise a count of zero would prove nothing.
    await localRequest(backend.socket, '/api/v1/witness');
    const watched = witness.reached - before - reached === 1;
    if (!watched) report('the counter of handled requests does not work');
    if (!refusal.startsWith('HTTP/1.1 403 ')) failures += 1;
    for (const each of [channel, webSocketChannel])
      if (!/^HTTP\/1\.1 101 .*\r\n\r\n./s.test(each)) failures += 1;
    failures += reached + (watched ? 0 : 1);
    // Empty answers are accepted for a few requests only, since they prove nothing.
    if (silent > requests.length / 20) failures += 1;
    return {
      runs: requests.length,
      failures,
      ok: failures === 0,
      routes: routes.length,
      reached,
      silent,
      refusal: Buffer.byteLength(refusal),
    };
  } finally {
    await backend.stop();
  }
};
