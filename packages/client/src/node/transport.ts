import { Readable } from 'node:stream';
import type { ReadableStream as NodeReadableStream } from 'node:stream/web';
import type { Transport } from '../core/http-fetch.ts';

/** A request that is sent unchanged; only `host` and the framing headers are added. */
export interface ForwardedRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** Alternating names and values, without headers of the connection. */
  readonly headers: readonly string[];
  readonly body?: Readable | Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The unchanged response: redirects are not followed and codings not decoded. */
export interface ForwardedResponse {
  readonly status: number;
  readonly statusText: string;
  /** Alternating names and values, as they were sent. */
  readonly headers: readonly string[];
  readonly body: Readable;
}

/** HTTP/1.1 in Node, over connections that are kept alive and reused. */
export interface NodeTransport {
  readonly send: Transport;
  forward(request: ForwardedRequest): Promise<ForwardedResponse>;
  /** Cuts the connections; requests in flight fail. */
  close(): Promise<void>;
}

/** Sends the requests of `fetch` by forwarding them. */
export function sendOver(forward: NodeTransport['forward']): Transport {
  return async ({ method, target, headers, body, signal }) => {
    const response = await forward({
      method,
      target,
      headers: [...headers].flat(),
      body: body instanceof ReadableStream ? uploadOf(body) : body,
      signal,
    });
    const { status, statusText, body: content } = response;
    // A failure of the body is reported to its reader; a body that is ended early has none.
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
}

/** Converts an upload to a Node stream. The transport destroys it when the request is over, which cancels its source. */
function uploadOf(body: ReadableStream<Uint8Array>): Readable {
  // The global ReadableStream and Node's own have different types.
  const upload = Readable.fromWeb(body as NodeReadableStream);
  // The request fails with the same error.
  upload.on('error', () => {});
  return upload;
}
