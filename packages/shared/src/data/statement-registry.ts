import { classifyStatement } from './statement-guard.ts';

/** A statement known by its text. `id` is what crosses to the engine once the text has. */
export interface KnownStatement {
  readonly id: number;
  readonly sql: string;
  readonly changesSchema: boolean;
  kind: 'read' | 'maybe-read' | 'write';
  /** Used since the last sweep. */
  recent: boolean;
  /** Left the registry: the engine drops it after the next use. */
  forgotten: boolean;
}

/**
 * The statements in use, so that each is checked and prepared once. Bounded: when full, those not used since the last
 * time it was full are forgotten (second chance), here and in the engine.
 */
export class StatementRegistry {
  readonly #limit: number;
  readonly #onForget: (statement: KnownStatement) => void;
  readonly #statements = new Map<string, KnownStatement>();
  #nextId = 1;

  constructor(limit: number, onForget: (statement: KnownStatement) => void) {
    this.#limit = limit;
    this.#onForget = onForget;
  }

  get size(): number {
    return this.#statements.size;
  }

  /** @throws {StatementRefusedError} when the text is refused */
  get(sql: string): KnownStatement {
    const known = this.#statements.get(sql);
    if (known !== undefined) {
      known.recent = true;
      return known;
    }
    const statement = { id: this.#nextId, sql, ...classifyStatement(sql), recent: true, forgotten: false };
    this.#nextId += 1;
    if (this.#statements.size >= this.#limit) this.#sweep();
    this.#statements.set(sql, statement);
    return statement;
  }

  #sweep(): void {
    for (const spare of [true, false]) {
      for (const [sql, statement] of this.#statements) {
        if (spare && statement.recent) statement.recent = false;
        else if (this.#statements.size > this.#limit >> 1) {
          this.#statements.delete(sql);
          statement.forgotten = true;
          this.#onForget(statement);
        }
      }
      if (this.#statements.size < this.#limit) return;
    }
  }
}
