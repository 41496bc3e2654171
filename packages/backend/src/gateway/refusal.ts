import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { PROBLEM_MEDIA_TYPE } from '@aico/protocol';

const BODY = JSON.stringify({
  type: 'about:blank',
  title: 'Forbidden',
  status: 403,
  detail: 'This port answers liveness and readiness, and opens channels; nothing else.',
  code: 'AICO_GATEWAY_REFUSED',
});

const HEADERS = {
  'Content-Type': PROBLEM_MEDIA_TYPE,
  'Content-Length': String(Buffer.byteLength(BODY)),
  Connection: 'close',
} as const;

/** The constant answer of the public port to everything it does not serve. */
export const REFUSAL: Buffer = Buffer.from(
  `HTTP/1.1 403 Forbidden\r\n${Object.entries(HEADERS)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n${BODY}`,
);

/** Answers a request with {@link REFUSAL}; HEAD gets no body. */
export function refuse(response: ServerResponse): void {
  // A date would make two refusals differ.
  response.sendDate = false;
  response.writeHead(403, 'Forbidden', HEADERS);
  response.end(BODY);
}

/** Answers bytes that are not a request, or a request for the whole connection, with {@link REFUSAL}. */
export function refuseBytes(socket: Duplex): void {
  socket.on('error', () => {});
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  socket.once('finish', () => socket.destroy());
  socket.end(REFUSAL);
}
