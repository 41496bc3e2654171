import { Readable } from 'node:stream';
import type { ReadableStream as NodeReadableStream } from 'node:stream/web';
import { Agent, type buildConnector } from 'undici';
import type { Transport } from '../core/http-fetch.ts';
import { ORIGIN } from '../core/http-message.ts';
import { CONNECTIONS } from '../core/options.ts';

/** A request that is sent as it stands: no header is added but `host` and those that frame the message. */
export interface ForwardedRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** Names and values in turn, without headers of the connection. */
  readonly headers: readonly string[];
  readonly body?: Readable | Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A response as it came: no redirection was followed and no coding undone. */
export interface ForwardedResponse {
  readonly status: number;
  readonly statusText: string;
  /** Names and values in turn, as they were written. */
  readonly headers: readonly string[];
  readonly body: Readable;
}

/** HTTP/1.1 by undici, over connections that are kept alive and reused. */
export class HttpTransport {
  readonly #agent: Agent;

  /**
   * @param connect how a connection is made
   * @param timeoutMs milliseconds until a response must have begun; its body may take as long as it likes, since event
   *   streams are silent for as long as nothing happens
   */
  constructor(connect: buildConnector.BuildOptions | buildConnector.connector, timeoutMs: number) {
    this.#agent = new Agent({
      connect,
      connections: CONNECTIONS,
      bodyTimeout: 0,
      headersTimeout: timeoutMs,
    });
  }

  readonly send: Transport = async ({ method, target, headers, body, signal }) => {
    const response = await this.forward({
      method,
      target,
      headers: [...headers].flat(),
      body: body instanceof ReadableStream ? uploadOf(body) : body,
      signal,
    });
    const { status, statusText, body: content } = response;
    // Its failure is told to the reader of the body; a body that is ended early has no reader.
    content.on('error', () => {});
    const named = new Headers();
    for (let index = 0; index < response.headers.length; index += 2)
      named.append(response.headers[index] ?? '', response.headers[index + 1] ?? '');
    if (method === 'HEAD' || status === 204 || status === 304) {
      content.resume();
      return { status, statusText, headers: named, body: undefined };
    }
    const parts = content[Symbol.asyncIterator]();
    const cancel = (): void => void content.destroy();
    return { status, statusText, headers: named, body: { next: () => parts.next(), cancel } };
  };

  async forward(request: ForwardedRequest): Promise<ForwardedResponse> {
    const { method, target: path, headers, body = null, signal = null } = request;
    const { statusCode, statusText, ...response } = await this.#agent.request({
      origin: ORIGIN,
      method,
      path,
      headers: [...headers],
      body,
      signal,
      responseHeaders: 'raw',
    });
    const raw: unknown = response.headers;
    return {
      status: statusCode,
      statusText,
      headers: Array.isArray(raw) ? raw.map(String) : [],
      body: response.body,
    };
  }

  /** Cuts its connections; what is in flight fails. */
  close(): Promise<void> {
    return this.#agent.destroy();
  }
}

/** Undici destroys the stream of a request that is over, and that cancels its source. */
function uploadOf(body: ReadableStream<Uint8Array>): Readable {
  // Node's own stream of the same name, of which this file and fetch have different types.
  const upload = Readable.fromWeb(body as NodeReadableStream);
  // The request fails with the same error.
  upload.on('error', () => {});
  return upload;
}
