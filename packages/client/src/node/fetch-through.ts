import {
  Agent,
  type buildConnector,
  fetch,
  FormData as UndiciFormData,
  type RequestInit as UndiciRequestInit,
} from 'undici';
import type { ClientParts } from '../core/client.ts';
import { CONNECTIONS } from '../core/options.ts';
import { errorsAfterHead } from './errors-after-head.ts';
import { Upload } from './upload.ts';

/**
 * `fetch` over connections of one's own making, kept alive and reused.
 *
 * @param connect how a connection is made
 * @param timeoutMs until an answer must have begun; its body may take as long as it likes, since event streams stay
 *   silent for as long as nothing happens
 */
export function fetchThrough(
  connect: buildConnector.BuildOptions | buildConnector.connector,
  timeoutMs: number,
): Pick<ClientParts, 'fetch' | 'close'> {
  const agent = new Agent({
    connect,
    connections: CONNECTIONS,
    bodyTimeout: 0,
    headersTimeout: timeoutMs,
  });
  const dispatcher = agent.compose(errorsAfterHead());
  return {
    async fetch(path, init) {
      const upload = init.body instanceof ReadableStream ? new Upload(init.body) : undefined;
      const body = upload?.stream ?? (init.body instanceof FormData ? formOf(init.body) : init.body);
      const through =
        upload === undefined ? dispatcher : agent.compose(errorsAfterHead((error) => upload.fail(error)));
      // Node's own types of fetch and those of this package describe one thing.
      const options = { ...init, body, dispatcher: through } as UndiciRequestInit;
      try {
        return (await fetch(`http://aico.local${path}`, options)) as unknown as Response;
      } catch (error) {
        // It may have failed before it was sent.
        upload?.fail(error instanceof Error ? error : new Error(String(error)));
        throw error;
      }
    },
    close: () => agent.destroy(),
  };
}

/** Node's own form as this package's: of any other kind it would send the words "[object FormData]". */
function formOf(form: FormData): UndiciFormData {
  const same = new UndiciFormData();
  for (const [name, value] of form) {
    if (typeof value === 'string') same.append(name, value);
    else same.append(name, value, value.name);
  }
  return same;
}
