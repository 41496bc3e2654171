import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';

/** The reply to a request of `localRequest`. */
export interface LocalReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON. */
  json(): unknown;
}

/** The parts of a request beside its path. Default: a GET without a body. */
export interface LocalRequestOptions {
  readonly method?: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Sends one request over the local socket, or over TCP where `target` is a URL. Each request has a connection of its own.
 *
 * @example const reply = await localRequest(paths.socketFile, '/readyz');
 */
export function localRequest(
  target: string,
  path: string,
  { method = 'GET', body, headers = {} }: LocalRequestOptions = {},
): Promise<LocalReply> {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const url = target.startsWith('http://') ? new URL(target) : undefined;
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        ...(url ? { host: url.hostname, port: url.port } : { socketPath: target }),
        path,
        method,
        agent: false,
        headers: { ...(payload === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            json: () => JSON.parse(text),
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(payload);
  });
}
