import { Agent, type buildConnector } from 'undici';
import { ORIGIN } from '../core/http-message.ts';
import { CONNECTIONS } from '../core/options.ts';
import { type ForwardedRequest, type ForwardedResponse, type NodeTransport, sendOver } from './transport.ts';

/** HTTP/1.1 by undici, over connections that are kept alive and reused. */
export class HttpTransport implements NodeTransport {
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

  /** Cuts its connections; what is in flight fails. */
  close(): Promise<void> {
    return this.#agent.destroy();
  }
}
