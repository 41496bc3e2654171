import type { SqlDialect } from '../types.ts';

/**
 * A subquery with the items of a JSON array, which is the parameter of its one `?`, in the column `value`. So one statement serves a
 * list of any length.
 *
 * @example
 * `DELETE FROM note WHERE id IN ${jsonList(database.dialect, 'BIGINT')}` // with JSON.stringify(ids)
 */
export function jsonList(dialect: SqlDialect, type: 'BIGINT' | 'TEXT'): string {
  return dialect === 'sqlite'
    ? '(SELECT value FROM json_each(?))'
    : `(SELECT CAST(value AS ${type}) AS value FROM json_array_elements_text(CAST(? AS JSON)))`;
}
