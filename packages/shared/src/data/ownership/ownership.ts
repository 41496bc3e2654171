import type { TableAccess } from '../engine/table-access.ts';
import { TableNotOwnedError } from '../errors.ts';
import type { BoundParameters } from '../parameters.ts';
import type { TableGrants } from '../types.ts';

/** In whose name statements run, and whose tables besides its own they may touch. */
export interface Principal {
  readonly owner: string;
  readonly reads: ReadonlySet<string>;
  /** May read as well. */
  readonly writes: ReadonlySet<string>;
}

export function principalOf(owner: string, { reads = [], writes = [] }: TableGrants = {}): Principal {
  return { owner, reads: new Set(reads), writes: new Set(writes) };
}

/** What the rules are made of: which tables a statement touches, and whose they are. */
export interface OwnershipSource {
  tablesOf(sql: string, params: BoundParameters): Promise<TableAccess>;
  /** Owners by the tables' names in lower case. */
  owners(): Promise<ReadonlyMap<string, string>>;
}

/** @throws {TableNotOwnedError} for a table of somebody else that was not declared; a table of nobody is open to all */
export function refuseForeign(
  principal: Principal,
  { reads, writes }: TableAccess,
  owners: ReadonlyMap<string, string>,
): void {
  const refuse = (table: string, what: 'read' | 'write'): void => {
    const owner = owners.get(table.toLowerCase());
    if (owner === undefined || owner === principal.owner || principal.writes.has(owner)) return;
    if (what === 'read' && principal.reads.has(owner)) return;
    throw new TableNotOwnedError(principal.owner, table, owner, what);
  };
  for (const table of writes) refuse(table, 'write');
  for (const table of reads) refuse(table, 'read');
}

/** Whose the tables are, as of the schema there is now. */
export class Ownership {
  readonly #source: OwnershipSource;
  #owners: Promise<ReadonlyMap<string, string>> | undefined;
  #generation = 0;

  constructor(source: OwnershipSource) {
    this.#source = source;
  }

  /** Grows with every change of the schema: what was allowed before has to be looked at again. */
  get generation(): number {
    return this.#generation;
  }

  schemaChanged(): void {
    this.#generation += 1;
    this.#owners = undefined;
  }

  /** @throws {TableNotOwnedError} @throws the error of a statement that cannot be run */
  async check(principal: Principal, sql: string, params: BoundParameters): Promise<void> {
    this.#owners ??= this.#source.owners();
    const owners = this.#owners;
    owners.catch(() => {
      if (this.#owners === owners) this.#owners = undefined;
    });
    refuseForeign(principal, await this.#source.tablesOf(sql, params), await owners);
  }
}
