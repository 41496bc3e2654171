import { parseJson } from '@aico/protocol';
import {
  isLogLevel,
  LEVEL_NUMBERS,
  type LogFields,
  type LogLevel,
  type LogRecord,
} from '@aico/shared/core/logging';
import type { Queryable, SqlParameter } from '@aico/shared/data';
import type { IdRange } from './line-index.ts';
import { matchOf, wordsOf } from './line-words.ts';

/** A filter of lines: a line has to meet all of it. */
export interface LogFilter {
  readonly service?: string;
  /** This level and all above it. */
  readonly minLevel?: LogLevel;
  readonly component?: string;
  /** The request, trace, plugin or device that a line was logged for. */
  readonly requestId?: string;
  readonly traceId?: string;
  readonly plugin?: string;
  readonly device?: string;
  /** Words, each of which begins a word of the message or of a name or value of the fields. Case is ignored. */
  readonly text?: string;
}

export interface LogQuery extends LogFilter {
  /** Lines that were logged then or later, in milliseconds since 1970. */
  readonly since?: number;
  /** Lines that were logged earlier. */
  readonly until?: number;
  /** Only lines stored before the one with this id: the next page. */
  readonly before?: number;
  /** Only lines stored after the one with this id: the next page, oldest first. */
  readonly after?: number;
  /** Default `newest`. */
  readonly first?: 'newest' | 'oldest';
  /** At most so many; fewer where the lines are long. Default 100, at most 1,000. */
  readonly limit?: number;
}

/** Which lines are archived or deleted. */
export type LogSelection = Omit<LogQuery, 'limit' | 'first' | 'after'>;

/** A filter for the audit trail, which is kept for good: the words may be a secret that is deleted from the log. */
export function withoutWords<Filter extends { readonly text?: string }>(filter: Filter): Filter {
  return filter.text === undefined ? filter : { ...filter, text: '[not recorded]' };
}

/** A line as it was stored. */
export interface StoredLogRecord extends LogRecord {
  readonly id: number;
}

interface LogRow {
  readonly id: number;
  readonly time: number;
  readonly level: number;
  readonly service: string;
  readonly component: string;
  readonly message: string;
  readonly fields: string;
  readonly request: string | null;
  readonly trace: string | null;
  readonly plugin: string | null;
  readonly device: string | null;
}

/** The columns that a filter compares. */
const COLUMNS = {
  service: 'service',
  component: 'component',
  requestId: 'request',
  traceId: 'trace',
  plugin: 'plugin',
  device: 'device',
} as const;

const MAX_LIMIT = 1_000;
/** A thousand of the longest lines would be more than the rows of one statement may take. */
const PAGE_BYTES = 8 * 1_048_576;
const LEVELS = Object.keys(LEVEL_NUMBERS).filter(isLogLevel);

/** Whether the answer needs the index of words or times. */
export function needsIndex({ text, since, until }: LogQuery): boolean {
  return since !== undefined || until !== undefined || wordsOf(text ?? '').length > 0;
}

/** The lines that match, newest or oldest first, by the order in which they were stored. */
export async function queryLogs(
  database: Queryable,
  query: LogQuery,
  range: IdRange,
): Promise<readonly StoredLogRecord[]> {
  const { sql, params } = statement(query, range);
  const { rows } = await database.execute<LogRow>(sql, params);
  return rows.map(toRecord);
}

/** As {@link queryLogs}, but fewer lines, and at least one, if their messages and fields have more than 8 MiB. */
export async function pageOfLogs(
  database: Queryable,
  query: LogQuery,
  range: IdRange,
): Promise<readonly StoredLogRecord[]> {
  const { sql, params } = statement(query, range);
  const order = query.first === 'oldest' ? 'ASC' : 'DESC';
  const { rows } = await database.execute<LogRow>(
    `SELECT * FROM (
       SELECT *, sum(octet_length(message) + octet_length(fields))
         OVER (ORDER BY id ${order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS preceding
       FROM (${sql})
     ) WHERE coalesce(preceding, 0) < :bytes ORDER BY id ${order}`,
    { ...params, bytes: PAGE_BYTES },
  );
  return rows.map(toRecord);
}

/** The line with that id. */
export async function lineById(database: Queryable, id: number): Promise<StoredLogRecord | undefined> {
  const { rows } = await database.execute<LogRow>('SELECT * FROM logs WHERE id = ?', [id]);
  return rows[0] === undefined ? undefined : toRecord(rows[0]);
}

/** Deletes the oldest lines that match, at most `query.limit` of them. @returns how many */
export async function deleteLogs(database: Queryable, query: LogQuery, range: IdRange): Promise<number> {
  const { sql, params } = statement({ ...query, first: 'oldest' }, range);
  const { changes } = await database.execute(
    `DELETE FROM logs WHERE id IN (SELECT id FROM (${sql}))`,
    params,
  );
  return changes;
}

/** How many lines there are of a service and a level. */
export interface LineCount {
  readonly service: string;
  readonly level: LogLevel;
  readonly lines: number;
}

/** Counts all lines, by service and level. Reads one index. */
export async function countLogs(database: Queryable): Promise<readonly LineCount[]> {
  const { rows } = await database.execute<{ service: string; level: number; lines: number }>(
    'SELECT service, level, count(*) AS lines FROM logs GROUP BY service, level',
  );
  return rows.map(({ level, ...rest }) => ({ ...rest, level: levelOf(level) }));
}

/** The id of the newest line. */
export async function newestLine(database: Queryable): Promise<number | undefined> {
  const { rows } = await database.execute<{ id: number | null }>('SELECT max(id) AS id FROM logs');
  return rows[0]?.id ?? undefined;
}

interface Statement {
  readonly sql: string;
  readonly params: Record<string, SqlParameter>;
}

/**
 * An index cannot deliver a range of levels in order of age. So the newest lines of each level are read from an index that has
 * them in order, and the results are merged. Words, a request and a trace are rarer than any service: if one is given, only its
 * index is read (a `+` excludes the others), and the rest is compared row by row.
 */
function statement(query: LogQuery, { from, to }: IdRange): Statement {
  const limit = Math.max(1, Math.min(MAX_LIMIT, Math.trunc(query.limit ?? 100)));
  const params: Record<string, SqlParameter> = { limit };
  const words = wordsOf(query.text ?? '');
  const isRare = words.length > 0 || query.requestId !== undefined || query.traceId !== undefined;
  const conditions: string[] = [];
  const compare = (left: string, operator: string, name: string, value: SqlParameter): void => {
    conditions.push(`${left} ${operator} :${name}`);
    params[name] = value;
  };
  for (const [name, column] of Object.entries(COLUMNS)) {
    const value = query[name as keyof typeof COLUMNS];
    const isLeading = name === 'requestId' || name === 'traceId';
    if (value !== undefined) compare(`${isRare && !isLeading ? '+' : ''}logs.${column}`, '=', name, value);
  }
  const id = words.length > 0 ? 'logs_text.rowid' : 'logs.id';
  const least = Math.max(from, query.after === undefined ? 0 : query.after + 1);
  const most = Math.min(to, query.before === undefined ? Number.MAX_SAFE_INTEGER : query.before - 1);
  if (least > 0) compare(id, '>=', 'least', least);
  if (most < Number.MAX_SAFE_INTEGER) compare(id, '<=', 'most', most);
  if (query.since !== undefined) compare('logs.time', '>=', 'since', query.since);
  if (query.until !== undefined) compare('logs.time', '<', 'until', query.until);
  if (words.length > 0) compare('logs_text', 'MATCH', 'words', matchOf(words));
  else if (query.text !== undefined && query.text !== '') {
    // Signs alone are in no index.
    conditions.push(`(logs.message LIKE :text ESCAPE '\\' OR logs.fields LIKE :text ESCAPE '\\')`);
    params.text = `%${query.text.replace(/[\\%_]/g, '\\$&')}%`;
  }
  const order = query.first === 'oldest' ? 'ASC' : 'DESC';
  const tables = words.length > 0 ? 'logs_text CROSS JOIN logs ON logs.id = logs_text.rowid' : 'logs';
  const ordered = (more: readonly string[]): string => {
    const all = [...conditions, ...more];
    const where = all.length === 0 ? '' : ` WHERE ${all.join(' AND ')}`;
    return `SELECT * FROM (SELECT logs.* FROM ${tables}${where} ORDER BY ${id} ${order} LIMIT :limit)`;
  };
  const leastLevel = LEVEL_NUMBERS[query.minLevel ?? 'trace'];
  if (isRare) return { sql: ordered(query.minLevel ? [`+logs.level >= ${leastLevel}`] : []), params };
  const byLevel = query.minLevel !== undefined || [query.service, query.plugin, query.device].some(Boolean);
  if (!byLevel) return { sql: ordered([]), params };
  const parts = LEVELS.filter((level) => LEVEL_NUMBERS[level] >= leastLevel).map((level) =>
    ordered([`logs.level = ${LEVEL_NUMBERS[level]}`]),
  );
  return { sql: `${parts.join(' UNION ALL ')} ORDER BY id ${order} LIMIT :limit`, params };
}

function levelOf(number: number): LogLevel {
  return LEVELS.find((name) => LEVEL_NUMBERS[name] === number) ?? 'info';
}

function toRecord(row: LogRow): StoredLogRecord {
  const { id, time, service, component, message } = row;
  const level = levelOf(row.level);
  const context = {
    ...(row.request !== null && { requestId: row.request }),
    ...(row.trace !== null && { traceId: row.trace }),
    ...(row.plugin !== null && { plugin: row.plugin }),
    ...(row.device !== null && { device: row.device }),
  };
  const fields = parseJson(row.fields) as LogFields;
  const record = { id, time, level, service, component, message, fields };
  return Object.keys(context).length === 0 ? record : { ...record, context };
}
