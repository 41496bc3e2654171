import type { Duplex } from 'node:stream';
import { serialize } from 'pg-protocol';
import type { SqlValue } from '../types.ts';
import { decodeValue, type WireValue } from './values.ts';

/** A column of a result. */
export interface Field {
  readonly name: string;
  readonly dataTypeID: number;
}

/** A statement that the connection has prepared or prepares with this batch. */
export interface Prepared {
  readonly name: string;
  readonly text: string;
  readonly types: readonly number[];
  /** The columns of its rows, once the server has described them. */
  fields: readonly Field[] | undefined;
}

export interface Step {
  readonly prepared: Prepared;
  readonly values: readonly WireValue[];
}

export interface StepResult {
  readonly fields: readonly Field[];
  readonly rows: readonly (readonly SqlValue[])[];
  /** The tag of the command, such as `INSERT 0 1`. */
  readonly tag: string;
}

interface BatchOptions {
  /** Names of prepared statements that the server drops. */
  readonly forget: readonly string[];
  /** Bytes that the rows of one step may take. */
  readonly maxBytes: number;
  readonly done: (outcome: BatchOutcome) => void;
  /** Called once the rows of a step exceed the limit: the batch should be cancelled. */
  readonly onTooLarge: () => void;
}

export interface BatchOutcome {
  /** The results of the steps before the one that failed, or of all. */
  readonly results: readonly StepResult[];
  readonly error: unknown;
  /** The step whose rows exceeded the limit. */
  readonly tooLarge: boolean;
}

/**
 * Statements that are sent together and answered together: the server runs them in order, skips the others after a failure, and
 * answers once. `pg` submits it like a query.
 */
export class Batch {
  readonly #steps: readonly Step[];
  readonly #options: BatchOptions;
  readonly #results: StepResult[] = [];
  #rows: SqlValue[][] = [];
  #bytes = 0;
  #tooLarge = false;

  constructor(steps: readonly Step[], options: BatchOptions) {
    this.#steps = steps;
    this.#options = options;
  }

  submit({ stream }: { readonly stream: Duplex }): void {
    const messages: Buffer[] = this.#options.forget.map((name) => serialize.close({ type: 'S', name }));
    const described = new Set<Prepared>();
    for (const { prepared, values } of this.#steps) {
      const { name, text, types, fields } = prepared;
      if (fields === undefined && !described.has(prepared)) {
        // An earlier batch may have failed after it had prepared the statement.
        messages.push(serialize.close({ type: 'S', name }));
        messages.push(serialize.parse({ name, text, types: [...types] }));
        described.add(prepared);
      }
      messages.push(serialize.bind({ statement: name, values: [...values] }));
      // Each execution of a statement whose columns are unknown is described, since the answers are in order.
      if (fields === undefined) messages.push(serialize.describe({ type: 'P' }));
      messages.push(serialize.execute());
    }
    messages.push(serialize.sync());
    stream.write(Buffer.concat(messages));
  }

  handleRowDescription({ fields }: { readonly fields: readonly Field[] }): void {
    const prepared = this.#step?.prepared;
    if (prepared !== undefined)
      prepared.fields = fields.map(({ name, dataTypeID }) => ({ name, dataTypeID }));
  }

  handleDataRow({ fields: texts }: { readonly fields: readonly (string | null)[] }): void {
    if (this.#tooLarge) return;
    const fields = this.#step?.prepared.fields ?? [];
    const row = new Array<SqlValue>(texts.length);
    for (let column = 0; column < texts.length; column += 1) {
      const text = texts[column] ?? null;
      this.#bytes += text?.length ?? 1;
      row[column] = decodeValue(text, fields[column]?.dataTypeID ?? 0);
    }
    if (this.#bytes > this.#options.maxBytes) {
      this.#tooLarge = true;
      this.#rows = [];
      this.#options.onTooLarge();
    } else this.#rows.push(row);
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    const prepared = this.#step?.prepared;
    if (prepared === undefined) return;
    prepared.fields ??= [];
    this.#results.push({ fields: prepared.fields, rows: this.#rows, tag: text });
    this.#rows = [];
    this.#bytes = 0;
  }

  handleReadyForQuery(): void {
    this.#finish(undefined);
  }

  handleError(error: unknown): void {
    this.#finish(error ?? new Error('the connection ended'));
  }

  handleEmptyQuery(): void {}

  handlePortalSuspended(): void {}

  handleCopyInResponse(): void {}

  handleCopyData(): void {}

  get #step(): Step | undefined {
    return this.#steps[this.#results.length];
  }

  #finish(error: unknown): void {
    this.#options.done({ results: this.#results, error, tooLarge: this.#tooLarge });
  }
}
