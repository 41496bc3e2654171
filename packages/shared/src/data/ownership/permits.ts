import { StatementRefusedError } from '../errors.ts';
import { type BoundParameters, copyParameters } from '../parameters.ts';
import { summaryOf } from '../sql-text.ts';
import { classifyStatement } from '../statement-guard.ts';
import type { SqlParameters } from '../types.ts';
import type { Ownership, Principal } from './ownership.ts';

/** Texts remembered as allowed; when there are more, all are looked at anew. */
const REMEMBERED = 1_024;

/** What one owner was found to be allowed, so that each text is looked at once. */
export class Permits {
  readonly #ownership: Ownership;
  readonly #principal: Principal;
  readonly #allowed = new Set<string>();
  #generation = 0;

  constructor(ownership: Ownership, principal: Principal) {
    this.#ownership = ownership;
    this.#principal = principal;
  }

  /** Whether `sql` is known to be allowed. */
  has(sql: string): boolean {
    return this.#generation === this.#ownership.generation && this.#allowed.has(sql);
  }

  /** Finds out. @returns the parameters as they were when it was asked */
  async obtain(sql: string, params: SqlParameters | undefined): Promise<BoundParameters> {
    const bound = copyParameters(params);
    const { generation } = this.#ownership;
    const { changesSchema } = classifyStatement(sql);
    if (changesSchema)
      throw new StatementRefusedError(
        summaryOf(sql),
        'schema changes go through migrate(), which records whom the tables belong to',
      );
    // Those only tell of the schema.
    if (!/^\s*(?:pragma|explain)\b/i.test(sql)) await this.#ownership.check(this.#principal, sql, bound);
    if (generation !== this.#ownership.generation) return await this.obtain(sql, bound);
    if (this.#generation !== generation || this.#allowed.size >= REMEMBERED) this.#allowed.clear();
    this.#generation = generation;
    this.#allowed.add(sql);
    return bound;
  }
}
