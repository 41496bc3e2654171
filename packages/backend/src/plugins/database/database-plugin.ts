import { AicoError } from '@aico/protocol';
import type { AICOPaths } from '@aico/shared/core/paths';
import {
  AdHocQueries,
  type AdHocQuery,
  type AdHocRows,
  type Database,
  isOwnable,
  makeBackup,
  type OverdueStatement,
  ParametersInvalidError,
  QueryAbandonedError,
  QueryDeadlineError,
  QueryTooLargeError,
  ReadOnlyTransactionError,
  requireCapability,
  type SqlParameters,
  StatementFailedError,
  StatementRefusedError,
} from '@aico/shared/data';
import type { AuditRecorder } from '@aico/shared/data/audit';
import { type AICOKeyManager, wipe } from '@aico/shared/security';
import { Type } from 'typebox';
import type { GatewayApp } from '../../core/gateway.ts';
import type { HealthCheckResult } from '../../core/health/types.ts';
import { PluginPriority } from '../../core/plugin/plugin-base.ts';
import { definePlugin, type PluginDefinition } from '../../core/plugin/plugin-definition.ts';
import { requestOf } from '../../core/request-schemas.ts';
import { callerLeaves } from './caller-leaves.ts';
import {
  BackupReply,
  CheckReply,
  QueryReply,
  StatsReply,
  StatusReply,
  VacuumReply,
} from './database-replies.ts';
import { BackupRefusedError, QueryLimitError, QueryRefusedError } from './errors.ts';
import { fromJson, JsonValue, toJson } from './json-values.ts';

const Parameter = Type.Union([Type.Boolean(), JsonValue]);

/** Must be absolute: a relative path would be resolved from the folder that the backend was started in. */
const BackupBody = requestOf({
  directory: Type.String({ minLength: 1, maxLength: 4_096, pattern: '^(?:/|[A-Za-z]:)' }),
});

const Query = requestOf({
  sql: Type.String({ minLength: 1, maxLength: 100_000 }),
  params: Type.Optional(Type.Union([Type.Array(Parameter), Type.Record(Type.String(), Parameter)])),
  limit: Type.Integer({ minimum: 1, maximum: 10_000, default: 1_000 }),
});

/** Milliseconds that a check of every page may take. */
const CHECK_DEADLINE_MS = 3_600_000;

/**
 * The database API of the owner: `/api/v1/database`.
 *
 * @param audit records backups
 */
export function databasePlugin(audit: Pick<AuditRecorder, 'record'>): PluginDefinition {
  return definePlugin({
    name: 'database_api',
    version: '1.0.0',
    description: 'Status of the encrypted database and read-only queries on it',
    dependencies: ['database', 'gateway', 'paths', 'key_manager'],
    priority: PluginPriority.INFRASTRUCTURE,
    capabilities: {
      'database:read': 'See the status and figures of the database',
      'database:backup': 'Make a backup',
      'database:vacuum': 'Compact the database file',
      'database:check': 'Check every page of the database',
      'root:database:query': 'Read every table, keys of devices and log lines included',
    },
    async start(plugin) {
      const database = plugin.requireService('database');
      plugin.onHealthCheck(() => healthOf(database));
      const api = new DatabaseApi(
        database,
        plugin.requireService('paths'),
        plugin.requireService('key_manager'),
        plugin.signal,
        audit,
      );
      await plugin.addRoutes((app) => api.declare(app), { place: 'database' });
    },
  });
}

async function healthOf(database: Database): Promise<HealthCheckResult> {
  await database.check();
  const { state, overdue } = database;
  switch (state.kind) {
    case 'ready':
      return overdue.length === 0
        ? { status: 'healthy' }
        : { status: 'degraded', detail: `statements that do not end: ${overdue.map(shown).join('; ')}` };
    case 'read-only':
      return {
        status: 'degraded',
        detail: `read-only since ${state.since.toISOString()}: ${state.condition}; writing resumes by itself when the disk accepts it`,
      };
    case 'unreachable':
      return {
        status: 'unhealthy',
        detail: `unreachable since ${state.since.toISOString()}: ${state.reason}; statements are accepted again once it answers`,
      };
    case 'failed':
      return { status: 'unhealthy', detail: `no write is acknowledged until a restart: ${state.reason}` };
  }
}

class DatabaseApi {
  readonly #database: Database;
  readonly #paths: AICOPaths;
  readonly #keys: AICOKeyManager;
  readonly #stopping: AbortSignal;
  readonly #audit: Pick<AuditRecorder, 'record'>;
  #queries: AdHocQueries | undefined;

  constructor(
    database: Database,
    paths: AICOPaths,
    keys: AICOKeyManager,
    stopping: AbortSignal,
    audit: Pick<AuditRecorder, 'record'>,
  ) {
    this.#database = database;
    this.#paths = paths;
    this.#keys = keys;
    this.#stopping = stopping;
    this.#audit = audit;
  }

  declare(app: GatewayApp): void {
    const database = this.#database;
    app.get(
      '/status',
      { config: { access: 'database:read' }, schema: { response: { 200: StatusReply } } },
      () => database.status(),
    );
    app.post(
      '/backup',
      { config: { access: 'database:backup' }, schema: { body: BackupBody, response: { 200: BackupReply } } },
      async ({ body: { directory } }) => {
        requireCapability(database.dialect, 'backup');
        const { databaseFile, keySlotsFile, configDir, busGrantsFile } = this.#paths;
        const key = this.#keys.databaseKey();
        try {
          const backup = await makeBackup({
            file: databaseFile,
            slotsFile: keySlotsFile,
            home: { configDir, grantsFile: busGrantsFile },
            key,
            directory,
          });
          await this.#audit.record({ action: 'database.backed_up', details: { folder: backup.folder } });
          return backup;
        } catch (error) {
          throw error instanceof AicoError ? new BackupRefusedError(error) : error;
        } finally {
          wipe(key);
        }
      },
    );
    app.get(
      '/stats',
      { config: { access: 'database:read' }, schema: { response: { 200: StatsReply } } },
      () => this.#stats(),
    );
    app.post(
      '/vacuum',
      { config: { access: 'database:vacuum' }, schema: { response: { 200: VacuumReply } } },
      async () => {
        requireCapability(database.dialect, 'vacuum');
        const before = (await database.status()).bytes;
        // The composition passes this plugin the database itself, since a view has no such method.
        if (!isOwnable(database)) throw new TypeError('no vacuum');
        await database.vacuum();
        return { before, after: (await database.status()).bytes };
      },
    );
    app.post(
      '/check',
      // A check takes long and reads all data, so it needs a capability of its own.
      { config: { access: 'database:check' }, schema: { response: { 200: CheckReply } } },
      (_request, reply) => this.#check(callerLeaves(reply.raw)),
    );
    app.post(
      '/query',
      // It reads every table, including the keys of devices and the log.
      { config: { access: 'root:database:query' }, schema: { body: Query, response: { 200: QueryReply } } },
      ({ body }, reply) =>
        this.#query(body.sql, parametersFrom(body.params), body.limit, callerLeaves(reply.raw)),
    );
  }

  async #stats() {
    const { state, overdue } = this.#database;
    const { engine, bytes, details, tables } = await this.#database.status();
    return {
      state: state.kind,
      engine,
      bytes,
      details,
      tables,
      overdue: overdue.map(({ owner, statement, since }) => ({
        owner: owner ?? null,
        statement,
        since: since.toISOString(),
      })),
    };
  }

  /** Checks every page, index and reference in a separate process, so that no other read waits. */
  async #check(callerGone: AbortSignal) {
    requireCapability(this.#database.dialect, 'check');
    await this.#database.check();
    const read = async (sql: string) =>
      (await this.#run({ sql, maxRows: 1_000, deadlineMs: CHECK_DEADLINE_MS }, callerGone)).rows;
    const pages = await read('PRAGMA integrity_check');
    const [references] = await read('SELECT count(*) AS broken FROM pragma_foreign_key_check');
    const problems = pages.map(([line]) => String(line)).filter((line) => line !== 'ok');
    const brokenReferences = Number(references?.[0] ?? 0);
    return { ok: problems.length === 0 && brokenReferences === 0, problems, brokenReferences };
  }

  async #query(sql: string, params: SqlParameters | undefined, limit: number, callerGone: AbortSignal) {
    try {
      const { columns, rows, truncated } = await this.#run({ sql, params, maxRows: limit }, callerGone);
      return { columns, rows: rows.map((row) => row.map(toJson)), truncated };
    } catch (error) {
      if (isLimit(error)) throw new QueryLimitError(error);
      throw isRefusal(error) ? new QueryRefusedError(error) : error;
    }
  }

  async #run(query: Omit<AdHocQuery, 'signal'>, callerGone: AbortSignal): Promise<AdHocRows> {
    if (this.#database.dialect !== 'sqlite') return await this.#runOnServer(query);
    this.#queries ??= new AdHocQueries({
      file: this.#paths.databaseFile,
      key: () => this.#keys.databaseKey(),
    });
    return await this.#queries.run({ ...query, signal: AbortSignal.any([this.#stopping, callerGone]) });
  }

  /** A server has processes of its own, and ends a query after the limit of a statement. */
  async #runOnServer({ sql, params, maxRows }: Omit<AdHocQuery, 'signal'>): Promise<AdHocRows> {
    const { columns, tuples } = await this.#database.transaction((tx) => tx.execute(sql, params), {
      readOnly: true,
    });
    return { columns, rows: tuples.slice(0, maxRows), truncated: tuples.length > maxRows };
  }
}

function shown({ owner, statement, since }: OverdueStatement): string {
  return `"${statement}" of ${owner ?? 'the backend'}, since ${since.toISOString()}`;
}

/** Whether the query was ended before its result. */
function isLimit(error: unknown): error is AicoError {
  return (
    error instanceof QueryDeadlineError ||
    error instanceof QueryTooLargeError ||
    error instanceof QueryAbandonedError
  );
}

/** Whether the statement, and not the database, caused the failure. */
function isRefusal(error: unknown): error is Error {
  return (
    error instanceof StatementFailedError ||
    error instanceof StatementRefusedError ||
    error instanceof ParametersInvalidError ||
    error instanceof ReadOnlyTransactionError
  );
}

function parametersFrom(
  params: readonly (JsonValue | boolean)[] | Readonly<Record<string, JsonValue | boolean>> | undefined,
): SqlParameters | undefined {
  if (params === undefined) return undefined;
  if (isArray(params)) return params.map(fromJson);
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, fromJson(value)]));
}

function isArray<T>(value: readonly T[] | object): value is readonly T[] {
  return Array.isArray(value);
}
