import { reasonOf } from '@aico/protocol';
import Driver from 'better-sqlite3-multiple-ciphers';
import type { Connection } from '../driver.ts';
import { StatementNotAllowed } from './refusals.ts';
import { isVirtual, type SchemaObject } from './schema-view.ts';

const ORDER = ['table', 'virtual', 'index', 'view', 'trigger'];

/**
 * Creates a database in memory with the schema of one owner, without rows. Objects that compile there depend on no other owner. The program of a statement alone does not show this, since SQLite omits parts that cannot affect the
 * result; but a view that names another's table still restricts that table's owner.
 *
 * @param objects of the owner, without the shadow tables of virtual tables
 * @throws {StatementNotAllowed} when one of them cannot be created there
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
            `${type} ${name} depends on tables of another owner: ${reasonOf(error)}`,
          );
        }
    use(alone);
  } finally {
    alone.close();
  }
}
