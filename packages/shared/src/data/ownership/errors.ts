import { defineError } from '@aico/protocol';

/** The name is reserved for a part of the backend that has tables of its own. */
export class OwnerReservedError extends defineError({
  code: 'AICO_DATA_OWNER_RESERVED',
  exit: 'database',
  hint: 'Give the plugin another name, or ask that part for what is needed through its service.',
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
      /** `undefined` for a table that no migration made: no owner may use it. */
      tableOwner,
    };
  },
}) {}

function hintFor(owner: string, tableOwner: string | undefined, what: string): string {
  if (tableOwner === undefined)
    return 'Make the table in a migration of its owner; what no migration made is closed.';
  return what === 'read' || what === 'write'
    ? `Declare it: ownedBy('${owner}', { ${what}s: ['${tableOwner}'] }); or ask ${tableOwner} for what is needed.`
    : `Only ${tableOwner} changes its tables, and makes what refers to them.`;
}
