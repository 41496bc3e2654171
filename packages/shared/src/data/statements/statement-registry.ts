import { ROOT } from '../ownership/principal.ts';
import { classifyStatement } from '../sql/statement-guard.ts';

/** A statement known by its text. `id` is what crosses to the engine once the text has. */
export interface KnownStatement {
  readonly id: number;
  readonly sql: string;
  /** In whose name it runs, as `encodePrincipal` writes it. */
  readonly principal: string;
  readonly changesSchema: boolean;
  kind: 'read' | 'maybe-read' | 'write';
  /** Used since the last sweep. */
  recent: boolean;
  /** Left the registry: the engine drops it after the next use. */
  forgotten: boolean;
}

/** One registry for each name in which statements run, so that nobody's statements crowd out another's. */
export class StatementRegistries {
  readonly root: StatementRegistry;
  readonly #create: (principal: string) => StatementRegistry;
  readonly #others = new Map<string, StatementRegistry>();

  constructor(limit: number, onForget: (statement: KnownStatement) => void) {
    let lastId = 0;
    const nextId = (): number => {
      lastId += 1;
      return lastId;
    };
    this.#create = (principal) => new StatementRegistry(limit, onForget, nextId, principal);
    this.root = this.#create(ROOT);
  }

  /** @param principal as `encodePrincipal` writes it */
  of(principal: string): StatementRegistry {
    const registry = this.#others.get(principal) ?? this.#create(principal);
    this.#others.set(principal, registry);
    return registry;
  }
}

/**
 * The statements in use in one name, so that each is checked and prepared once. Bounded: when full, those not used since the last
 * time it was full are forgotten (second chance), here and in the engine.
 */
export class StatementRegistry {
  readonly #limit: number;
  readonly #onForget: (statement: KnownStatement) => void;
  readonly #nextId: () => number;
  readonly #principal: string;
  readonly #statements = new Map<string, KnownStatement>();

  constructor(
    limit: number,
    onForget: (statement: KnownStatement) => void,
    nextId: () => number,
    principal: string,
  ) {
    this.#limit = limit;
    this.#onForget = onForget;
    this.#nextId = nextId;
    this.#principal = principal;
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
    const statement = {
      id: this.#nextId(),
      sql,
      principal: this.#principal,
      ...classifyStatement(sql, this.#principal === ROOT ? 'statement' : 'owned'),
      recent: true,
      forgotten: false,
    };
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
