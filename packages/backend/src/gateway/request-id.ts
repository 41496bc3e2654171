import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

const ID: unique symbol = Symbol('request id');

declare module 'node:http' {
  interface IncomingMessage {
    [ID]?: string;
  }
}

/** The id of a request, shared by its answer, log lines and trace. */
export function requestIdOf(request: IncomingMessage): string {
  request[ID] ??= randomUUID();
  return request[ID];
}
