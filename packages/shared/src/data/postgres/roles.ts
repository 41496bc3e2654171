import { createHash } from 'node:crypto';
import { createMutex } from '../../core/tasks/index.ts';
import { decodePrincipal, type Principal } from '../ownership/principal.ts';
import { quotedName } from '../sql/sql-text.ts';
import { SCHEMA_LOCK } from './bootstrap.ts';
import { type PostgresConnection, StepFailed } from './connection.ts';
import { DatabaseRightsError } from './errors.ts';
import { isServerError } from './failures.ts';
import type { PostgresPool } from './pool.ts';

/** The roles of one owner: the owner of its tables, and the groups of those that may read or write them. */
interface OwnerRoles {
  readonly owner: string;
  readonly readers: string;
  readonly writers: string;
}

/**
 * The roles of the server with whose rights statements run: one for each owner of tables, and one for each principal that may use
 * tables of other owners. They cannot log in. The server checks every access, also those of views and subqueries.
 */
export class OwnerRolesOfServer {
  readonly #pool: PostgresPool;
  readonly #databaseId: string;
  readonly #made = new Map<string, Promise<string>>();
  readonly #exclusive = createMutex();

  constructor(pool: PostgresPool, databaseId: string) {
    this.#pool = pool;
    this.#databaseId = databaseId;
  }

  /** The role of an encoded principal; `undefined` for the backend itself. Creates it if it is missing. */
  async roleOf(encoded: string): Promise<string | undefined> {
    const principal = decodePrincipal(encoded);
    if (principal === undefined) return undefined;
    const known = this.#made.get(encoded);
    if (known !== undefined) return await known;
    const making = this.#exclusive(() => this.#makeRole(principal));
    this.#made.set(encoded, making);
    making.catch(() => this.#made.delete(encoded));
    return await making;
  }

  /** The roles of an owner, which {@link roleOf} has created. */
  ofOwner(owner: string): OwnerRoles {
    const base = `aico_${this.#databaseId}_${digest(owner)}`;
    return { owner: base, readers: `${base}_r`, writers: `${base}_w` };
  }

  async #makeRole(principal: Principal): Promise<string> {
    const { owner, reads, writes } = principal;
    return await this.#pool.use(async (connection) => {
      try {
        await connection.run([{ text: 'BEGIN' }, { text: SCHEMA_LOCK }]);
        for (const name of [owner, ...reads, ...writes]) await this.#makeOwner(connection, name);
        const role = await this.#makePrincipal(connection, principal);
        await connection.one('COMMIT');
        return role;
      } catch (error) {
        await connection.one('ROLLBACK');
        if (error instanceof StepFailed && isServerError(error.cause) && error.cause.code === '42501')
          throw new DatabaseRightsError('create roles', error.cause);
        throw error;
      }
    });
  }

  async #makeOwner(connection: PostgresConnection, name: string): Promise<void> {
    const roles = this.ofOwner(name);
    for (const role of Object.values(roles)) await createRole(connection, role);
    await connection.one('INSERT INTO _aico_owner VALUES ($1, $2) ON CONFLICT DO NOTHING', {
      values: [name, roles.owner],
      types: [25, 25],
    });
  }

  async #makePrincipal(connection: PostgresConnection, principal: Principal): Promise<string> {
    const { owner, reads, writes } = principal;
    const own = this.ofOwner(owner).owner;
    if (reads.length === 0 && writes.length === 0) return own;
    const role = `aico_${this.#databaseId}_p${digest(JSON.stringify([owner, reads, writes]))}`;
    await createRole(connection, role);
    const groups = [
      own,
      ...reads.map((name) => this.ofOwner(name).readers),
      ...writes.map((name) => this.ofOwner(name).writers),
    ];
    for (const group of groups) await connection.one(`GRANT ${quotedName(group)} TO ${quotedName(role)}`);
    return role;
  }
}

async function createRole(connection: PostgresConnection, role: string): Promise<void> {
  const { rows } = await connection.one('SELECT 1 FROM pg_roles WHERE rolname = $1', {
    values: [role],
    types: [25],
  });
  if (rows.length === 0) await connection.one(`CREATE ROLE ${quotedName(role)} NOLOGIN`);
  await connection.one(`GRANT ${quotedName(role)} TO CURRENT_USER`);
  await connection.one(`GRANT USAGE ON SCHEMA aico TO ${quotedName(role)}`);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 20);
}

/** Gives the following statements of the transaction the rights of a role, or those of the backend itself. */
export function roleStatement(role: string | undefined): string {
  return `SET LOCAL ROLE ${role === undefined ? 'NONE' : quotedName(role)}`;
}
