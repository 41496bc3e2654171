import type { DatabaseError } from 'pg-protocol';
import { TableNotOwnedError } from '../ownership/errors.ts';
import { decodePrincipal } from '../ownership/principal.ts';
import type { PostgresPool } from './pool.ts';
import type { NamedStatement } from './postgres-session.ts';
import { isKeyword, nameOf, tokensOf } from './tokens.ts';

const RELATIONS =
  'SELECT c.relname::text, o.owner FROM pg_class c LEFT JOIN _aico_owner o ON o.role = pg_get_userbyid(c.relowner) ' +
  "WHERE c.relnamespace = 'aico'::regnamespace";

/**
 * The error of a statement that the server refused because the owner lacks a right. The server's message may be in any language, so
 * the table is the relation whose name occurs in it.
 */
export async function notOwned(
  { message }: DatabaseError,
  { principal, sql, kind }: NamedStatement,
  control: PostgresPool,
): Promise<TableNotOwnedError | undefined> {
  const owner = decodePrincipal(principal)?.owner;
  if (owner === undefined) return undefined;
  const words = new Set(message.match(/[\p{L}\p{N}_$]+/gu));
  const { rows } = await control.use((connection) => connection.one(RELATIONS));
  const found = rows.find(([name, tableOwner]) => words.has(String(name)) && tableOwner !== owner);
  if (found === undefined) return undefined;
  const [table, tableOwner] = found.map((value) => (value === null ? undefined : String(value)));
  return new TableNotOwnedError(owner, table ?? '', tableOwner, accessOf(sql, table ?? '', kind));
}

function accessOf(sql: string, table: string, kind: string): 'read' | 'write' | 'change' | 'refer to' {
  const tokens = tokensOf(sql);
  if (isKeyword(tokens[0], 'alter', 'drop')) return 'change';
  if (isKeyword(tokens[0], 'create')) {
    if (tokens.some((token, at) => isKeyword(token, 'references') && nameOf(tokens[at + 1]) === table))
      return 'refer to';
    return tokens.some((token, at) => isKeyword(token, 'on') && nameOf(tokens[at + 1]) === table)
      ? 'change'
      : 'read';
  }
  if (kind === 'read') return 'read';
  const isTarget = tokens.some(
    (token, at) =>
      nameOf(token) === table &&
      (isKeyword(tokens[at - 1], 'into', 'update') ||
        (isKeyword(tokens[at - 1], 'from') && isKeyword(tokens[at - 2], 'delete'))),
  );
  return isTarget ? 'write' : 'read';
}
