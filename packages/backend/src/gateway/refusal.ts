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

/** The one answer of the public port to everything it does not serve: the same bytes whatever was asked. */
export function refuse(response: ServerResponse): void {
  response.writeHead(403, {
    'content-type': PROBLEM_MEDIA_TYPE,
    'content-length': Buffer.byteLength(BODY),
    connection: 'close',
  });
  response.end(BODY);
}

/** The same, where an upgrade was asked for. */
export function refuseUpgrade(socket: Duplex): void {
  socket.on('error', () => {});
  socket.once('finish', () => socket.destroy());
  socket.end(
    `HTTP/1.1 403 Forbidden\r\nContent-Type: ${PROBLEM_MEDIA_TYPE}\r\nContent-Length: ${Buffer.byteLength(BODY)}\r\n` +
      `Connection: close\r\n\r\n${BODY}`,
  );
}
