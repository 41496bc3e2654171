import { reasonOf } from '@aico/protocol';
import Driver from 'better-sqlite3-multiple-ciphers';
import type { Connection } from '../driver.ts';
import { StatementNotAllowed } from './refusals.ts';
import { isVirtual, type SchemaObject } from './schema-view.ts';

const ORDER = ['table', 'virtual', 'index', 'view', 'trigger'];

/**
 * A database in memory with the schema of one owner and nothing else: no rows, and no tables of others. What compiles there
 * depends on no other owner's objects. The program of a statement does not tell that by itself, since SQLite leaves out
 * what cannot matter to the result; but a view that names another's table hinders that table's owner all the same.
 *
 * @param objects the owner's, without the tables that a virtual table makes for itself
 * @throws {StatementNotAllowed} when one of them cannot be made there
 */
export function withSchemaAlone(objects: readonly SchemaObject[], use: (alone: Connection) => void): void {
  const rank = (object: SchemaObject): number => ORDER.indexOf(isVirtual(object) ? 'virtual' : object.type);
  const alone = new Driver(':memory:');
  try {
    for (const { type, name, sql } of [...objects].sort((one, other) => rank(one) - rank(other)))
      if (sql !== null)
        try {
          alone.exec(sql);
        } catch (error) {
          throw new StatementNotAllowed(
            `${type} ${name} needs more than tables of its owner: ${reasonOf(error)}`,
          );
        }
    use(alone);
  } finally {
    alone.close();
  }
}
