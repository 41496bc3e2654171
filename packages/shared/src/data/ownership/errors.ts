import { defineError } from '@aico/protocol';

/** The name is reserved for a part of the backend that has tables of its own. */
export class OwnerReservedError extends defineError({
  code: 'AICO_DATA_OWNER_RESERVED',
  exit: 'database',
  hint: 'Give the plugin another name, or use the service of that part of the backend.',
  make: (owner: string) => ({
    message: `the name ${owner} is reserved for a part of the backend`,
    owner,
  }),
}) {}

/** A statement uses a table of another owner that was not declared, or a table without an owner. */
export class TableNotOwnedError extends defineError({
  code: 'AICO_DATA_NOT_OWNED',
  exit: 'database',
  make: (
    owner: string,
    table: string,
    tableOwner: string | undefined,
    what: 'read' | 'write' | 'change' | 'refer to',
  ) => {
    const whose = tableOwner === undefined ? 'belongs to no owner' : `belongs to ${tableOwner}`;
    return {
      message: `${owner} may not ${what} ${table}, which ${whose}`,
      hint: hintFor(owner, tableOwner, what),
      owner,
      table,
      /** `undefined` for a table that no migration created: no owner may use it. */
      tableOwner,
    };
  },
}) {}

function hintFor(owner: string, tableOwner: string | undefined, what: string): string {
  if (tableOwner === undefined)
    return 'Create the table in a migration of its owner: no owner may use a table that no migration created.';
  return what === 'read' || what === 'write'
    ? `Declare the access with ownedBy('${owner}', { ${what}s: ['${tableOwner}'] }), or use a service of ${tableOwner}.`
    : `Only migrations of ${tableOwner} may change its tables or refer to them.`;
}
