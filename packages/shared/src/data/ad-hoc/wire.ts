/** The messages on the pipes between the backend and the process of one query. */
import { deserialize, serialize } from 'node:v8';
import type { CipherName, Failure } from '../engine/wire.ts';
import type { BoundParameters } from '../statements/bound-parameters.ts';
import type { SqlValue } from '../types.ts';

export const KEY_BYTES = 32;

/** The statement and its limits. The key follows the request on the pipe, and is passed in no other way. */
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
      /** There are more rows than the limits allow. */
      readonly truncated: boolean;
    }
  | { readonly is: 'failure'; readonly failure: Failure }
  /** The first row, or the memory that SQLite needs, exceeds the limits. */
  | { readonly is: 'too large'; readonly what: 'row' | 'memory' };

/** Serializes a value with a length prefix. */
export function frame(value: QueryRequest | QueryReply): Buffer {
  const body = serialize(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.byteLength);
  return Buffer.concat([length, body]);
}

/** The value of the first frame in `bytes`, and the position of its end; `undefined` while the frame is incomplete. */
export function unframe(bytes: Buffer): { readonly value: unknown; readonly end: number } | undefined {
  if (bytes.byteLength < 4) return undefined;
  const end = 4 + bytes.readUInt32BE();
  if (bytes.byteLength < end) return undefined;
  // Copied, because byte arrays in the value are views of the input, which the caller wipes.
  return { value: deserialize(Buffer.from(bytes.subarray(4, end))), end };
}
