import type { ServerResponse } from 'node:http';

/** Aborted when the caller disconnects before `response` is complete. */
export function callerLeaves(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  const look = (): void => {
    if (!response.writableFinished) gone.abort();
  };
  if (response.destroyed) look();
  else response.once('close', look);
  return gone.signal;
}
