import type { ReservedNames } from '@aico/shared/data';
import { OwnerReservedError } from '@aico/shared/data';
import { isPluginName, PLUGIN_NAME_RULE } from '../core/plugin/plugin-name.ts';

/** The service of the log store, which is also the owner of the table `logs`. */
export const LOG_STORE = 'log_store';

/**
 * The owners and tables of the backend itself. No plugin may have one of these names or declare access to their tables, and no
 * plugin's migration may create a table with one of these names, since a later migration of the backend could collide with it.
 * A test compares this list with the tables that a backend creates.
 */
export const RESERVED: ReservedNames = {
  owners: [
    'audit',
    'core',
    'devices',
    'idempotency',
    'leases',
    LOG_STORE,
    'message_bus',
    'nodes',
    'retention_clock',
  ],
  // A plugin that depends on the log store may read the table of log lines.
  readable: [LOG_STORE],
  tables: [
    'audit',
    'audit_config',
    'core_start',
    'device',
    'device_opening',
    'head_note',
    'idempotency',
    'lease',
    'logs',
    'logs_archive',
    'logs_batch',
    'logs_newest',
    'logs_run',
    'logs_segment',
    'logs_text',
    'logs_text_config',
    'logs_text_data',
    'logs_text_docsize',
    'logs_text_idx',
    'node',
    'node_home',
    'retention_clock',
    'stream_consumer',
    'stream_dead',
    'stream_done',
    'stream_head',
    'stream_message',
    'stream_message_by_source',
    'stream_retry',
  ],
};

/** The columns whose values the backend seals, where the engine does not encrypt the whole store. */
export const SEALED_COLUMNS: Readonly<Record<string, readonly string[]>> = {
  device: ['psk'],
  idempotency: ['reply'],
  stream_message: ['body'],
};

/**
 * Names that no plugin can have: those of the backend's services, of its places below `/api/v1`, of the owners of its
 * capabilities and topics, and of the beginning of capabilities that no wildcard covers. A test compares this list with a
 * backend.
 */
const TAKEN: readonly string[] = [
  'audit bus bus_broker bus_nodes channel clock config database database_api devices events gateway health home_watch idempotency',
  'key_manager lifecycle logging logs message_bus node_database nodes openapi paths plugins retention_clock root security streams',
  'streams_api system',
].flatMap((names) => names.split(' '));

/**
 * Why a new plugin must not have a name, to be read after the name.
 *
 * @example whyNotPluginName('system'); // 'is the name of a part of the backend'
 */
export function whyNotPluginName(name: string): string | undefined {
  if (!isPluginName(name)) return `is not a name of a plugin: it must be ${PLUGIN_NAME_RULE}`;
  const isTaken = TAKEN.includes(name) || RESERVED.owners.includes(name) || OWN_PREFIX.test(name);
  return isTaken ? 'is the name of a part of the backend' : undefined;
}

const OWN_PREFIX = /^_?aico_/i;

/** @throws {OwnerReservedError} for a plugin with the name of a part of the backend */
export function refuseReservedName(name: string): void {
  if (RESERVED.owners.includes(name.toLowerCase()) || OWN_PREFIX.test(name))
    throw new OwnerReservedError(name);
}
