/** The access to a table that a statement was refused. */
export interface ForeignAccess {
  readonly owner: string;
  readonly table: string;
  /** `null` for a table that no migration made. */
  readonly tableOwner: string | null;
  readonly what: 'read' | 'write' | 'change' | 'refer to';
}

/** A statement reaches a table of another owner, or of none. Thrown in the engine's threads. */
export class TableNotOwned extends Error {
  readonly code = 'ENGINE_NOT_OWNED';
  readonly access: ForeignAccess;
  constructor(access: ForeignAccess) {
    super(`${access.table} is not ${access.owner}'s`);
    this.access = access;
  }
}

/** A statement does what no owner may do. Thrown in the engine's threads. */
export class StatementNotAllowed extends Error {
  readonly code = 'ENGINE_NOT_ALLOWED';
}
