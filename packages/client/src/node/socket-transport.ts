import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { Readable } from 'node:stream';
import { CONNECTIONS } from '../core/options.ts';
import { ReplyTimeoutError } from '../errors.ts';
import { type ForwardedRequest, type ForwardedResponse, type NodeTransport, sendOver } from './transport.ts';

/**
 * HTTP/1.1 over a Unix domain socket or named pipe with Node's own client, which needs no loading time, unlike undici: most
 * commands send one request.
 */
export class SocketTransport implements NodeTransport {
  readonly #socketPath: string;
  readonly #timeoutMs: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  readonly #open = new Set<ClientRequest>();

  /** @param timeoutMs milliseconds until a response must begin */
  constructor(socketPath: string, timeoutMs: number) {
    this.#socketPath = socketPath;
    this.#timeoutMs = timeoutMs;
  }

  readonly send = sendOver((asked) => this.forward(asked));

  async forward({ method, target, headers, body, signal }: ForwardedRequest): Promise<ForwardedResponse> {
    signal?.throwIfAborted();
    const asked = request({
      socketPath: this.#socketPath,
      agent: this.#agent,
      method,
      path: target,
      headers: ['host', 'aico.local', ...framing(method, body, headers), ...headers],
      ...(signal === undefined ? {} : { signal }),
    });
    this.#open.add(asked);
    asked.once('close', () => this.#open.delete(asked));
    const timer = setTimeout(
      () => asked.destroy(new ReplyTimeoutError(this.#timeoutMs, undefined)),
      this.#timeoutMs,
    );
    try {
      const response = await responseTo(asked, body);
      return {
        status: response.statusCode ?? 0,
        statusText: response.statusMessage ?? '',
        headers: response.rawHeaders,
        body: response,
      };
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    for (const asked of this.#open) asked.destroy();
    this.#agent.destroy();
  }
}

/** The header that frames the body. An empty body is announced for methods that usually have one (RFC 9110, section 8.6). */
function framing(
  method: string,
  body: ForwardedRequest['body'],
  headers: readonly string[],
): readonly string[] {
  // A forwarded request states the length of its body itself; a request with two framings is refused.
  if (headers.some((name, index) => index % 2 === 0 && /^content-length$/i.test(name))) return [];
  if (body === undefined) return ['POST', 'PUT', 'PATCH'].includes(method) ? ['content-length', '0'] : [];
  return body instanceof Readable
    ? ['transfer-encoding', 'chunked']
    : ['content-length', String(body.byteLength)];
}

/** Sends the body and resolves with the head of the response, which may come before the body has been sent. */
function responseTo(asked: ClientRequest, body: ForwardedRequest['body']): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    asked.once('response', (response) => {
      // After the response has ended, the backend no longer reads the rest of the body.
      if (body instanceof Readable) response.once('close', () => body.destroy());
      resolve(response);
    });
    // Also listens after the response, whose body reports the error to its reader.
    asked.on('error', reject);
    if (!(body instanceof Readable)) {
      asked.end(body);
      return;
    }
    body.once('error', (error) => asked.destroy(error));
    asked.once('close', () => body.destroy());
    body.pipe(asked);
  });
}
