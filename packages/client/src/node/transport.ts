import { Readable } from 'node:stream';
import type { ReadableStream as NodeReadableStream } from 'node:stream/web';
import type { Transport } from '../core/http-fetch.ts';

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
    // A failure of the body is told to its reader; a body that is ended early has none.
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

/** A transport destroys the stream of a request that is over, and that cancels its source. */
function uploadOf(body: ReadableStream<Uint8Array>): Readable {
  // Node's own stream of the same name, of which this file and fetch have different types.
  const upload = Readable.fromWeb(body as NodeReadableStream);
  // The request fails with the same error.
  upload.on('error', () => {});
  return upload;
}
