import path from 'node:path';
import { reasonOf } from '@aico/protocol';
import type { AuditRecorder } from '@aico/shared/data/audit';
import { SpooledRuns } from '@aico/shared/security';
import type { ServiceContainer } from '../../core/container/service-container.ts';
import type { HealthCheckResult } from '../../core/health/types.ts';
import { loggingSection, SPOOL_PURPOSE } from '../../core/logging-section.ts';
import { BasePlugin, PluginPriority } from '../../core/plugin/plugin-base.ts';
import { definePlugin, type PluginDefinition } from '../../core/plugin/plugin-definition.ts';
import { ARCHIVE_PURPOSE } from './archive/log-archive.ts';
import { LogArchiver } from './archive/log-archiver.ts';
import { declareLogRoutes } from './log-routes.ts';
import { LogStore, type LogStoreOptions } from './log-store.ts';

const DAY_MS = 86_400_000;
const INDEX_EVERY_MS = 2_000;

export interface LogStorePluginOptions extends Pick<LogStoreOptions, 'writer' | 'retention'> {
  /** The interval in milliseconds at which old lines are deleted. Default 10 minutes. */
  readonly pruneEveryMs?: number;
  /** The folder of the archives of lines beyond the limits. Default: they are deleted without an archive. */
  readonly archiveFolder?: string;
  readonly audit: Pick<AuditRecorder, 'record'>;
}

/**
 * Keeps the log in the encrypted database of the home and serves it under `/api/v1/logs`. Depends on `'paths'`, `'key_manager'`,
 * `'node_database'`, `'message_bus'`, `'logging'`, `'retention_clock'`, `'events'` and `'gateway'`.
 */
export class LogStorePlugin extends BasePlugin {
  readonly #options: LogStorePluginOptions;
  #store: LogStore | undefined;
  #archiver: LogArchiver | undefined;
  #droppedSeen = 0;
  #archiveFailure: string | undefined;

  constructor(name: string, container: ServiceContainer, options: LogStorePluginOptions) {
    super(name, container);
    this.#options = options;
  }

  override async start(): Promise<void> {
    const logging = this.requireService('logging');
    const { pruneEveryMs = 600_000, audit, writer, retention } = this.#options;
    const spoolKey = this.requireService('key_manager').deriveKey(SPOOL_PURPOSE);
    const spools = new SpooledRuns(this.requireService('paths').stateDir, spoolKey);
    this.onStop(() => spools.close());
    const database = this.requireService('node_database');
    const store = new LogStore({
      logging,
      database,
      reclaim: (signal) => database.reclaim(signal),
      logger: logging.getLogger('log_store', 'store', { published: false }),
      clock: this.requireService('retention_clock'),
      spools,
      ...(writer && { writer }),
      ...(retention && { retention }),
    });
    await store.start();
    this.#store = store;
    const detach = logging.attach(this.requireService('message_bus'));
    this.onStop(async () => {
      await store.stop();
      detach();
    });
    const events = this.requireService('events');
    const archiver = new LogArchiver({
      store,
      database,
      key: () => this.requireService('key_manager').deriveKey(ARCHIVE_PURPOSE),
      logger: logging.getLogger('log_store', 'archive', { published: false }),
      audit,
    });
    this.#archiver = archiver;
    await this.addRoutes((app) => declareLogRoutes(app, store, events, logging.levels, audit, archiver), {
      place: 'logs',
    });
    // At once as well: a backend that runs for minutes at a time would otherwise never delete anything.
    this.every('search index', INDEX_EVERY_MS, (signal) => store.index(signal));
    this.every('retention', pruneEveryMs, (signal) => this.prune(signal), { firstAfterMs: 0 });
  }

  /** Archives or deletes lines beyond the limits now, and stores how far the retention clock has come. */
  async prune(signal?: AbortSignal): Promise<void> {
    const [store, archiver, folder] = [this.#store, this.#archiver, this.#options.archiveFolder];
    if (store === undefined || archiver === undefined) return;
    await archiver.finish();
    if (folder === undefined) await store.prune(signal);
    else await this.#retire(store, archiver, folder, signal);
    await this.requireService('retention_clock').save();
  }

  /** Lines that cannot be archived stay in the table. */
  async #retire(
    store: LogStore,
    archiver: LogArchiver,
    folder: string,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const file = path.join(folder, `logs-${new Date().toISOString().replace(/[:.]/g, '-')}.aicolog`);
    try {
      await store.retire((selection) => archiver.archive({ file, selection, remove: true }), signal);
      this.#archiveFailure = undefined;
    } catch (error) {
      if (this.#archiveFailure === undefined)
        this.logger.error('Lines beyond the limits stay in the log: they cannot be archived', {
          file,
          error,
        });
      this.#archiveFailure = reasonOf(error);
    }
  }

  override healthCheck(): HealthCheckResult {
    const stats = this.#store?.stats;
    if (stats === undefined) return { status: 'unhealthy', detail: 'The log store has not started' };
    const data = { ...stats };
    if (stats.failures > 0)
      return {
        status: 'degraded',
        detail: `Lines wait: ${stats.failures} writes in a row have failed`,
        data,
      };
    if (this.#archiveFailure !== undefined)
      return {
        status: 'degraded',
        detail: `Lines beyond the limits stay in the log: they cannot be archived: ${this.#archiveFailure}`,
        data,
      };
    const lost = stats.dropped - this.#droppedSeen;
    this.#droppedSeen = stats.dropped;
    if (lost > 0) return { status: 'degraded', detail: `${lost} lines were lost since the last check`, data };
    return { status: 'healthy', data };
  }
}

/** @param audit records changes of the levels */
export function logStorePlugin(audit: Pick<AuditRecorder, 'record'>): PluginDefinition {
  return definePlugin({
    name: 'log_store',
    version: '1.0.0',
    description: 'Keeps the log in the encrypted database of the home and serves it',
    dependencies: [
      'paths',
      'key_manager',
      'node_database',
      'retention_clock',
      'message_bus',
      'events',
      'gateway',
    ],
    priority: PluginPriority.INFRASTRUCTURE,
    capabilities: {
      'logs:read': 'Read the log',
      'logs:archive': 'Write lines to an encrypted file of the machine, and remove them from the log',
      'logs:manage': 'Change from which level on lines are kept, and delete lines',
    },
    create: (name, container) => {
      const { retention } = container.getService('config').section(loggingSection);
      return new LogStorePlugin(name, container, {
        audit,
        ...(retention.archive !== undefined && { archiveFolder: retention.archive }),
        retention: {
          maxRows: retention.max_lines,
          maxAgeMs: retention.max_days * DAY_MS,
          maxBytes: retention.max_mib * 2 ** 20,
        },
      });
    },
  });
}
