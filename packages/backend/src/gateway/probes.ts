import type { IncomingMessage, ServerResponse } from 'node:http';

/** Reports whether the backend is ready, and if not, why. Called for each probe. */
export type ReadinessProbe = () => Promise<{
  readonly ready: boolean;
  readonly reason?: string;
  readonly locked?: boolean;
}>;

export const PROBE_METHODS = ['GET', 'HEAD'];

/** Whether a request is for `/livez` or `/readyz`, with any method. */
export function isProbe({ url = '' }: IncomingMessage): boolean {
  return /^\/(?:livez|readyz)(?:\?|$)/.test(url);
}

/**
 * Answers `/livez` and `/readyz`; returns `false` for any other path. `detailed` adds the reason, for the owner of the local
 * socket only.
 */
export function answerProbe(
  request: IncomingMessage,
  response: ServerResponse,
  readiness: ReadinessProbe,
  detailed: boolean,
): boolean {
  if (request.method !== 'GET' && request.method !== 'HEAD') return false;
  const path = request.url?.split('?', 1)[0];
  if (path === '/livez') {
    send(response, 200, { status: 'alive' });
    return true;
  }
  if (path === '/readyz') {
    readiness().then(
      ({ ready, reason, locked }) =>
        send(response, ready ? 200 : 503, {
          status: ready ? 'ready' : locked === true ? 'not ready: locked' : 'not ready',
          ...(detailed && reason !== undefined ? { reason } : {}),
        }),
      () => send(response, 503, { status: 'not ready' }),
    );
    return true;
  }
  return false;
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}
