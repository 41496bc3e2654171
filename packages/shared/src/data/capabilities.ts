import { CapabilityMissingError } from './errors.ts';
import type { DatabaseCapability, SqlDialect } from './types.ts';

export const CAPABILITIES: readonly DatabaseCapability[] = [
  'backup',
  'restore',
  'rotate-key',
  'rollback-guard',
  'vacuum',
  'check',
];

/** The names of the engines, as errors and `aico db status` show them. */
export const ENGINE_NAMES: Readonly<Record<SqlDialect, string>> = {
  sqlite: 'SQLite',
  postgres: 'PostgreSQL',
};

/** Replacements of the capabilities that an engine lacks. */
const INSTEAD: Readonly<Record<SqlDialect, Readonly<Partial<Record<DatabaseCapability, string>>>>> = {
  sqlite: {},
  postgres: {
    backup:
      'Use `pg_dump --format=custom --file=aico.dump "postgres://…"`, and copy the home beside it: it has the keys of the sealed columns.',
    restore:
      'Use `pg_restore --clean --if-exists --dbname="postgres://…" aico.dump` while no backend runs, and put back the home of the same backup.',
    'rotate-key':
      'The server stores the database without a key of AICO: encrypt its disk, and change the passwords of its roles with ALTER ROLE.',
    'rollback-guard':
      'The server is trusted to have the newest data. Restrict its administration, and keep the dumps of pg_dump.',
    check: 'Use `pg_amcheck --all`, and enable data_checksums on the server.',
    vacuum:
      "PostgreSQL's autovacuum reuses the space of deleted rows. `VACUUM FULL` of psql returns it to the disk and locks the tables meanwhile.",
  },
};

/** The replacement of a capability that the engine lacks; `undefined` if the engine has it. */
export function lacks(dialect: SqlDialect, capability: DatabaseCapability): string | undefined {
  return INSTEAD[dialect][capability];
}

/** Refuses an operation that the engine lacks. @throws {CapabilityMissingError} */
export function requireCapability(dialect: SqlDialect, capability: DatabaseCapability): void {
  const instead = lacks(dialect, capability);
  if (instead !== undefined) throw new CapabilityMissingError(ENGINE_NAMES[dialect], capability, instead);
}
