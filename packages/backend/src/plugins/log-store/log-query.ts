import {
  isLogLevel,
  LEVEL_NUMBERS,
  type LogFields,
  type LogLevel,
  type LogRecord,
} from '@aico/shared/core/logging';
import type { Queryable, SqlParameter } from '@aico/shared/data';

export interface LogQuery {
  readonly service?: string;
  /** This level and all above it. */
  readonly minLevel?: LogLevel;
  readonly component?: string;
  /** The request, trace, plugin or device that a line was logged for. */
  readonly requestId?: string;
  readonly traceId?: string;
  readonly plugin?: string;
  readonly device?: string;
  /** Occurs in the message or the fields; case is ignored for ASCII letters. */
  readonly text?: string;
  /** Only lines stored before the one with this id: the next page. */
  readonly before?: number;
  /** At most so many, the newest. Default 100, at most 1 000. */
  readonly limit?: number;
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
const LEVELS = Object.keys(LEVEL_NUMBERS).filter(isLogLevel);

/**
 * The newest lines that match, newest first.
 *
 * A range over levels would have to be sorted by age, row by row. So each level is asked for its own newest,
 * which an index has in order, and the few answers are merged.
 */
export async function queryLogs(database: Queryable, query: LogQuery): Promise<readonly StoredLogRecord[]> {
  const limit = Math.max(1, Math.min(MAX_LIMIT, Math.trunc(query.limit ?? 100)));
  const { sql, params } = statement(query, limit);
  const { rows } = await database.execute<LogRow>(sql, params);
  return rows.map(toRecord);
}

function statement(query: LogQuery, limit: number): { sql: string; params: Record<string, SqlParameter> } {
  const params: Record<string, SqlParameter> = { limit };
  const conditions: string[] = [];
  for (const [name, column] of Object.entries(COLUMNS) as [keyof typeof COLUMNS, string][]) {
    const value = query[name];
    if (value === undefined) continue;
    conditions.push(`${column} = :${name}`);
    params[name] = value;
  }
  if (query.before !== undefined) {
    conditions.push('id < :before');
    params.before = query.before;
  }
  if (query.text !== undefined && query.text !== '') {
    conditions.push(`(message LIKE :text ESCAPE '\\' OR fields LIKE :text ESCAPE '\\')`);
    params.text = `%${query.text.replace(/[\\%_]/g, '\\$&')}%`;
  }
  const newest = (more: readonly string[]): string => {
    const all = [...conditions, ...more];
    const where = all.length === 0 ? '' : ` WHERE ${all.join(' AND ')}`;
    return `SELECT * FROM (SELECT * FROM logs${where} ORDER BY id DESC LIMIT :limit)`;
  };
  if (query.service === undefined && query.minLevel === undefined) return { sql: newest([]), params };
  const least = LEVEL_NUMBERS[query.minLevel ?? 'trace'];
  const parts = LEVELS.filter((level) => LEVEL_NUMBERS[level] >= least).map((level) =>
    newest([`level = ${LEVEL_NUMBERS[level]}`]),
  );
  return { sql: `${parts.join(' UNION ALL ')} ORDER BY id DESC LIMIT :limit`, params };
}

function toRecord(row: LogRow): StoredLogRecord {
  const { id, time, service, component, message } = row;
  const level = LEVELS.find((name) => LEVEL_NUMBERS[name] === row.level) ?? 'info';
  const context = {
    ...(row.request !== null && { requestId: row.request }),
    ...(row.trace !== null && { traceId: row.trace }),
    ...(row.plugin !== null && { plugin: row.plugin }),
    ...(row.device !== null && { device: row.device }),
  };
  const fields = JSON.parse(row.fields) as LogFields;
  const record = { id, time, level, service, component, message, fields };
  return Object.keys(context).length === 0 ? record : { ...record, context };
}
