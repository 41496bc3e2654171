import { decodePrincipal, ROOT } from '../ownership/principal.ts';
import { type Placeholders, placeholdersOf } from '../sql/placeholders.ts';
import { classifyStatement } from '../sql/statement-guard.ts';
import type { Vocabulary } from '../sql/vocabulary.ts';

/** The properties of a statement that follow from its text. */
export interface InspectedStatement {
  readonly kind: 'read' | 'maybe-read' | 'write';
  readonly changesSchema: boolean;
  readonly placeholders: Placeholders;
  /** The text in the dialect of the engine, if the engine translates statements. */
  readonly text?: string;
}

/** Inspects a statement of the backend itself or of an owner. @throws {StatementRefusedError} */
export type Inspect = (sql: string, place: 'statement' | 'owned') => InspectedStatement;

/** A classified statement. Its text is sent to the engine once, and afterwards its `id`. */
export interface KnownStatement extends InspectedStatement {
  readonly id: number;
  readonly sql: string;
  /** The encoded principal with whose rights it runs. */
  readonly principal: string;
  /** The statement without private parts, for errors, log lines and statuses. */
  readonly shape: string;
  kind: 'read' | 'maybe-read' | 'write';
  /** It was used since the last sweep. */
  recent: boolean;
  /** It has left the registry; the engine drops it after its next use. */
  forgotten: boolean;
}

/** The owner of the statement; `undefined` for the backend itself. */
export function ownerOf({ principal }: KnownStatement): string | undefined {
  return decodePrincipal(principal)?.owner;
}

/** One registry per principal, so that no owner's statements evict those of another. */
export class StatementRegistries {
  readonly root: StatementRegistry;
  readonly #create: (principal: string) => StatementRegistry;
  readonly #others = new Map<string, StatementRegistry>();

  constructor(
    limit: number,
    vocabulary: Vocabulary,
    onForget: (statement: KnownStatement) => void,
    inspect: Inspect = (sql, place) => ({
      ...classifyStatement(sql, vocabulary, place),
      placeholders: placeholdersOf(sql),
    }),
  ) {
    let lastId = 0;
    const nextId = (): number => {
      lastId += 1;
      return lastId;
    };
    this.#create = (principal) =>
      new StatementRegistry({ limit, vocabulary, onForget, inspect, nextId, principal });
    this.root = this.#create(ROOT);
  }

  /** The registry of an encoded principal. */
  of(principal: string): StatementRegistry {
    const registry = this.#others.get(principal) ?? this.#create(principal);
    this.#others.set(principal, registry);
    return registry;
  }
}

interface RegistryOptions {
  readonly limit: number;
  readonly vocabulary: Vocabulary;
  readonly onForget: (statement: KnownStatement) => void;
  readonly inspect: Inspect;
  readonly nextId: () => number;
  readonly principal: string;
}

/**
 * The statements of one principal, so that each is checked and prepared once. When the registry is full, it evicts statements that
 * were not used since it was last full (second chance), here and in the engine.
 */
export class StatementRegistry {
  readonly #options: RegistryOptions;
  readonly #statements = new Map<string, KnownStatement>();

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  /** Finds or classifies the statement. @throws {StatementRefusedError} */
  get(sql: string): KnownStatement {
    const found = this.#statements.get(sql);
    if (found !== undefined) {
      found.recent = true;
      return found;
    }
    const { limit, vocabulary, inspect, nextId, principal } = this.#options;
    const known = inspect(sql, principal === ROOT ? 'statement' : 'owned');
    // Only the backend itself changes the schema here, and its statements contain nothing private.
    if (known.changesSchema) vocabulary.learn(sql);
    const statement: KnownStatement = {
      id: nextId(),
      sql,
      principal,
      ...known,
      get shape() {
        return vocabulary.shapeOf(sql);
      },
      recent: true,
      forgotten: false,
    };
    if (this.#statements.size >= limit) this.#sweep();
    this.#statements.set(sql, statement);
    return statement;
  }

  #sweep(): void {
    const { limit, onForget } = this.#options;
    for (const spare of [true, false]) {
      for (const [sql, statement] of this.#statements) {
        if (spare && statement.recent) statement.recent = false;
        else if (this.#statements.size > limit >> 1) {
          this.#statements.delete(sql);
          statement.forgotten = true;
          onForget(statement);
        }
      }
      if (this.#statements.size < limit) return;
    }
  }
}
