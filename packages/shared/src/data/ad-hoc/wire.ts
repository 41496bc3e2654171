/** The messages that cross the pipes between the backend and the process of one query. */
import { deserialize, serialize } from 'node:v8';
import type { CipherName, Failure } from '../engine/wire.ts';
import type { BoundParameters } from '../statements/bound-parameters.ts';
import type { SqlValue } from '../types.ts';

export const KEY_BYTES = 32;

/** The statement and its limits. The key follows it on the pipe, and stands nowhere else. */
export interface QueryRequest {
  readonly file: string;
  readonly cipher: CipherName;
  readonly sql: string;
  readonly params: BoundParameters;
  readonly maxRows: number;
  readonly maxBytes: number;
  readonly maxMemoryBytes: number;
  readonly deadlineMs: number;
}

export type QueryReply =
  | {
      readonly is: 'rows';
      readonly columns: readonly string[];
      readonly rows: readonly (readonly SqlValue[])[];
      /** There are more rows than the limits let through. */
      readonly truncated: boolean;
    }
  | { readonly is: 'failure'; readonly failure: Failure }
  /** One row alone, or what SQLite needs to find it, is beyond the limits. */
  | { readonly is: 'too large'; readonly what: 'row' | 'memory' };

/** A value with its length before it. */
export function frame(value: QueryRequest | QueryReply): Buffer {
  const body = serialize(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.byteLength);
  return Buffer.concat([length, body]);
}

/** The value of the frame that `bytes` begins with, and where it ends; `undefined` while it is not complete. */
export function unframe(bytes: Buffer): { readonly value: unknown; readonly end: number } | undefined {
  if (bytes.byteLength < 4) return undefined;
  const end = 4 + bytes.readUInt32BE();
  if (bytes.byteLength < end) return undefined;
  // Of a copy: bytes in the value are views of what they were read from, which is wiped.
  return { value: deserialize(Buffer.from(bytes.subarray(4, end))), end };
}
