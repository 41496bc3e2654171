import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

const ID: unique symbol = Symbol('request id');

declare module 'node:http' {
  interface IncomingMessage {
    [ID]?: string;
  }
}

/** The id of a request: one for all that answers it, logs it or traces it. */
export function requestIdOf(request: IncomingMessage): string {
  request[ID] ??= randomUUID();
  return request[ID];
}
