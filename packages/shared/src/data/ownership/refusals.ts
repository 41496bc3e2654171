/** A refused access of a statement to a table. */
export interface ForeignAccess {
  readonly owner: string;
  readonly table: string;
  /** `null` for a table that no migration created. */
  readonly tableOwner: string | null;
  readonly what: 'read' | 'write' | 'change' | 'refer to';
}

/** A statement uses a table of another owner, or one without an owner. Thrown in the engine's threads. */
export class TableNotOwned extends Error {
  readonly code = 'ENGINE_NOT_OWNED';
  readonly access: ForeignAccess;
  constructor(access: ForeignAccess) {
    super(`${access.table} does not belong to ${access.owner}`);
    this.access = access;
  }
}

/** A statement uses an operation that no owner may use. Thrown in the engine's threads. */
export class StatementNotAllowed extends Error {
  readonly code = 'ENGINE_NOT_ALLOWED';
}
