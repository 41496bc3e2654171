import type { ServerResponse } from 'node:http';
import { PROBLEM_MEDIA_TYPE } from '@aico/protocol';

const BODY = JSON.stringify({
  type: 'about:blank',
  title: 'Forbidden',
  status: 403,
  detail: 'This port answers liveness and readiness alone.',
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
