import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { NodeClient } from '@aico/client';
import type { Problem } from '@aico/protocol';
import type { PageFiles } from '@aico/ui';
import { answer, forward } from './forwarding.ts';
import { PageSession } from './page-session.ts';

interface PageServerOptions {
  /** The client of the backend to which requests below `/api/v1/` are forwarded. */
  readonly client: NodeClient;
  readonly files: PageFiles;
  /** Milliseconds without a request after which `onIdle` is called. A page that is not visible sends none. */
  readonly idleMs: number;
  readonly onIdle: () => void;
  /** Called when the ticket is used a second time, which ends the session. */
  readonly onReuse: () => void;
}

interface PageServer {
  readonly server: Server;
  /** The path of the page, with the ticket in its fragment, which browsers do not send. */
  readonly path: string;
}

/**
 * The policy of the page. It allows no inline script or style and no other origin, and trusted types allow no string as markup
 * or code, since no policy may create one.
 */
const CONTENT_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** Headers of every response. */
const PROTECTION: Readonly<Record<string, string>> = {
  'content-security-policy': CONTENT_POLICY,
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** Headers that the page itself sets. All others come from the browser and are not the backend's business. */
const FORWARDED: ReadonlySet<string> = new Set([
  'accept',
  'content-length',
  'content-type',
  'idempotency-key',
  'last-event-id',
]);

/** Headers of the backend's responses that the page reads. All others, such as a cookie or a policy, could weaken the page. */
const RETURNED: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-length',
  'content-type',
  'retry-after',
  'x-request-id',
]);

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
};

/**
 * Serves the page, and forwards its requests to the backend. Requests for the API need the token of the session in a header: a
 * cookie would belong to every port of this host, and a page of another origin can send neither.
 */
export function createPageServer({ client, files, idleMs, onIdle, onReuse }: PageServerOptions): PageServer {
  const session = new PageSession();
  const idle = setTimeout(onIdle, idleMs);
  const forwarding = {
    client,
    isForwarded: (name: string): boolean => FORWARDED.has(name),
    isReturned: (name: string): boolean => RETURNED.has(name),
    addedHeaders: PROTECTION,
  };
  const server = createServer((request, response) => {
    idle.refresh();
    const refusal = refusalOfSender(request) ?? refusalOfMethod(request);
    const target = request.url ?? '/';
    if (refusal !== undefined) answer(response, refusal, PROTECTION);
    else if (target === '/session') openSession(session, onReuse, request, response);
    else if (!target.startsWith('/api/v1/')) sendFile(files, request, response);
    else if (!session.accepts(bearerOf(request))) answer(response, unauthorized(session), PROTECTION);
    else void forward(forwarding, request, response);
  });
  server.on('close', () => clearTimeout(idle));
  server.on('upgrade', (_request, socket) => socket.destroy());
  return { server, path: `/#${session.ticket}` };
}

/**
 * Refuses a request for another host, which a page has that made its own name resolve to this machine, and one that a page of
 * another origin has sent. Browsers name the origin in every request but a plain GET.
 */
function refusalOfSender({ method = '', headers, socket, url = '' }: IncomingMessage): Problem | undefined {
  const own = `127.0.0.1:${socket.localPort}`;
  if (headers.host !== own) return forbidden('The request names another host.');
  const isSafe = method === 'GET' || method === 'HEAD';
  if (headers.origin === undefined ? !isSafe : headers.origin !== `http://${own}`)
    return forbidden('The request comes from another origin.');
  const site = headers['sec-fetch-site'] ?? 'same-origin';
  // A navigation may come from anywhere: the browser was sent here by a file, a link or its user.
  const isNavigation = url === '/' && headers['sec-fetch-mode'] === 'navigate';
  return site === 'same-origin' || isNavigation
    ? undefined
    : forbidden('The request comes from another site.');
}

function refusalOfMethod({ method = '', url = '' }: IncomingMessage): Problem | undefined {
  if (url.startsWith('/api/v1/')) return undefined;
  const allowed = url === '/session' ? ['POST'] : ['GET', 'HEAD'];
  if (allowed.includes(method)) return undefined;
  return {
    type: 'about:blank',
    title: 'Method Not Allowed',
    status: 405,
    detail: `Only ${allowed[0]} is served here.`,
  };
}

function openSession(
  session: PageSession,
  onReuse: () => void,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const wasEnded = session.isEnded;
  const token = session.exchange(bearerOf(request));
  if (token === undefined) answer(response, unauthorized(session), PROTECTION);
  else {
    response.writeHead(200, { ...PROTECTION, 'content-type': 'application/json' });
    response.end(JSON.stringify({ token }));
  }
  // Last, since the command may end the server.
  if (session.isEnded && !wasEnded) response.once('close', onReuse);
}

/** Sends a file by its exact name. Nothing is read from the disk. */
function sendFile(files: PageFiles, { method, url = '' }: IncomingMessage, response: ServerResponse): void {
  const name = url === '/' ? 'index.html' : url.slice(1);
  const content = files.get(name);
  if (content === undefined) {
    answer(
      response,
      { type: 'about:blank', title: 'Not Found', status: 404, detail: 'The page has no such file.' },
      PROTECTION,
    );
    return;
  }
  response.writeHead(200, {
    ...PROTECTION,
    'content-type': TYPES[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream',
    'content-length': content.byteLength,
  });
  response.end(method === 'HEAD' ? undefined : content);
}

function bearerOf({ headers: { authorization = '' } }: IncomingMessage): string {
  return authorization.startsWith('Bearer ') ? authorization.slice('Bearer '.length) : '';
}

function forbidden(detail: string): Problem {
  return { type: 'about:blank', title: 'Forbidden', status: 403, detail };
}

function unauthorized(session: PageSession): Problem {
  return {
    type: 'about:blank',
    title: 'Unauthorized',
    status: 401,
    detail: session.isEnded
      ? 'The address of this page was used twice, so its session has ended.'
      : 'The address of this page is not valid any more.',
    hint: 'Run `aico ui` again, and open the address that it prints.',
  };
}
