import { AicoError } from '@aico/protocol';
import {
  makeBackup,
  ParametersInvalidError,
  ReadOnlyTransactionError,
  type SqlParameters,
  type SqlValue,
  StatementFailedError,
  StatementRefusedError,
} from '@aico/shared/data';
import { wipe } from '@aico/shared/security';
import { Type } from 'typebox';
import type { GatewayApp } from '../../core/gateway.ts';
import type { HealthCheckResult } from '../../core/health/types.ts';
import { BasePlugin, type PluginMetadata, PluginPriority } from '../../core/plugin-base.ts';
import {
  BackupReply,
  CheckReply,
  QueryReply,
  StatsReply,
  StatusReply,
  VacuumReply,
} from './database-replies.ts';
import { BackupRefusedError, QueryRefusedError } from './errors.ts';

const Parameter = Type.Union([Type.Null(), Type.String(), Type.Number(), Type.Boolean()]);

/** Absolute: what it is relative to would be the backend's own folder, which nobody knows. */
const BackupBody = Type.Object({
  directory: Type.String({ minLength: 1, maxLength: 4_096, pattern: '^(?:/|[A-Za-z]:)' }),
});

const Query = Type.Object({
  sql: Type.String({ minLength: 1, maxLength: 100_000 }),
  params: Type.Optional(Type.Union([Type.Array(Parameter), Type.Record(Type.String(), Parameter)])),
  limit: Type.Integer({ minimum: 1, maximum: 10_000, default: 1_000 }),
});

/** The owner's window on the database: `/api/v1/database/status` and read-only queries. */
export class DatabasePlugin extends BasePlugin {
  get metadata(): PluginMetadata {
    return {
      name: 'Database',
      version: '1.0.0',
      description: 'Status of the encrypted database and read-only queries on it',
      priority: PluginPriority.INFRASTRUCTURE,
    };
  }

  override async start(): Promise<void> {
    await this.addRoutes((app) => this.#declare(app), { place: 'database' });
  }

  override async healthCheck(): Promise<HealthCheckResult> {
    const database = this.requireService('database');
    await database.check();
    const { state } = database;
    switch (state.kind) {
      case 'ready':
        return { status: 'healthy' };
      case 'read-only':
        return {
          status: 'degraded',
          detail: `read-only since ${state.since.toISOString()}: ${state.condition}; writing goes on by itself when the disk takes it`,
        };
      case 'failed':
        return {
          status: 'unhealthy',
          detail: `no write is acknowledged until a restart: ${state.reason}`,
        };
    }
  }

  #declare(app: GatewayApp): void {
    const database = this.requireService('database');
    app.get(
      '/status',
      { config: { access: 'database:read' }, schema: { response: { 200: StatusReply } } },
      () => database.status(),
    );
    app.post(
      '/backup',
      { config: { access: 'database:backup' }, schema: { body: BackupBody, response: { 200: BackupReply } } },
      async ({ body: { directory } }) => {
        const { databaseFile, keySlotsFile } = this.requireService('paths');
        const key = this.requireService('key_manager').databaseKey();
        try {
          return await makeBackup({ file: databaseFile, slotsFile: keySlotsFile, key, directory });
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
        const before = (await database.status()).fileBytes;
        // The composition hands this plugin the database itself, which alone can.
        if (!('vacuum' in database) || typeof database.vacuum !== 'function')
          throw new TypeError('no vacuum');
        await database.vacuum();
        return { before, after: (await database.status()).fileBytes };
      },
    );
    app.post(
      '/check',
      { config: { access: 'database:read' }, schema: { response: { 200: CheckReply } } },
      () => this.#check(),
    );
    app.post(
      '/query',
      { config: { access: 'database:read' }, schema: { body: Query, response: { 200: QueryReply } } },
      ({ body }) => this.#query(body.sql, body.params, body.limit),
    );
  }

  async #stats() {
    const database = this.requireService('database');
    const one = async (sql: string): Promise<number | null> => {
      const [found] = Object.values((await database.execute(sql)).rows[0] ?? {});
      return found === undefined || found === null ? null : Number(found);
    };
    const { tables, fileBytes, walBytes } = await database.status();
    return {
      state: database.state.kind,
      fileBytes,
      walBytes,
      pageBytes: await one('PRAGMA page_size'),
      pages: await one('PRAGMA page_count'),
      freePages: await one('PRAGMA freelist_count'),
      commits: await one('SELECT commits FROM _aico_head'),
      tables,
    };
  }

  /** Every page, every index and every reference. Statements that read wait behind it: it is asked for, not routine. */
  async #check() {
    const database = this.requireService('database');
    await database.check();
    const pages = await database.execute<{ integrity_check: string }>('PRAGMA integrity_check');
    const references = await database.execute('PRAGMA foreign_key_check');
    const problems = pages.rows.map((row) => row.integrity_check).filter((line) => line !== 'ok');
    return {
      ok: problems.length === 0 && references.rows.length === 0,
      problems,
      brokenReferences: references.rows.length,
    };
  }

  async #query(sql: string, params: SqlParameters | undefined, limit: number) {
    const rows: Record<string, unknown>[] = [];
    let truncated = false;
    try {
      for await (const row of this.requireService('database').stream(sql, params)) {
        truncated = rows.length === limit;
        if (truncated) break;
        rows.push(Object.fromEntries(Object.entries(row).map(([column, value]) => [column, toJson(value)])));
      }
    } catch (error) {
      throw isRefusal(error) ? new QueryRefusedError(error) : error;
    }
    return { columns: Object.keys(rows[0] ?? {}), rows, truncated };
  }
}

/** Whether the statement is at fault, and not the database. */
function isRefusal(error: unknown): error is Error {
  return (
    error instanceof StatementFailedError ||
    error instanceof StatementRefusedError ||
    error instanceof ParametersInvalidError ||
    error instanceof ReadOnlyTransactionError
  );
}

/** JSON has no bytes and no integers beyond 2^53: the one goes as base64, the other as digits. */
function toJson(value: SqlValue): unknown {
  if (typeof value === 'bigint') return value.toString();
  return value instanceof Uint8Array ? { base64: Buffer.from(value).toString('base64') } : value;
}
