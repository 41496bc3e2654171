import { Agent, type buildConnector } from 'undici';
import { ORIGIN } from '../core/address.ts';
import { CONNECTIONS } from '../core/options.ts';
import { type ForwardedRequest, type ForwardedResponse, type NodeTransport, sendOver } from './transport.ts';

/** HTTP/1.1 by undici, over connections that are kept alive and reused. */
export class HttpTransport implements NodeTransport {
  readonly #agent: Agent;

  /**
   * @param connect creates a connection
   * @param timeoutMs milliseconds until a response must begin; its body has no time limit, since an event stream may be silent
   *   for any time
   */
  constructor(connect: buildConnector.BuildOptions | buildConnector.connector, timeoutMs: number) {
    this.#agent = new Agent({
      connect,
      connections: CONNECTIONS,
      bodyTimeout: 0,
      headersTimeout: timeoutMs,
    });
  }

  readonly send = sendOver((request) => this.forward(request));

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

  /** Cuts its connections; requests in flight fail. */
  close(): Promise<void> {
    return this.#agent.destroy();
  }
}
