import type { ReservedNames } from '@aico/shared/data';
import { OwnerReservedError } from '@aico/shared/data';

/** The service of the log store, which is also the owner of the table `logs`. */
export const LOG_STORE = 'log_store';

/**
 * The owners and tables of the backend itself. No plugin may have one of these names or declare access to their tables, and no
 * plugin's migration may create a table with one of these names, since a later migration of the backend could collide with it.
 * A test compares this list with the tables that a backend creates.
 */
export const RESERVED: ReservedNames = {
  owners: ['core', 'devices', 'idempotency', LOG_STORE, 'message_bus', 'retention_clock'],
  // A plugin that depends on the log store may read the table of log lines.
  readable: [LOG_STORE],
  tables: [
    'core_start',
    'device',
    'device_opening',
    'idempotency',
    'logs',
    'retention_clock',
    'stream_consumer',
    'stream_dead',
    'stream_done',
    'stream_message',
    'stream_message_by_source',
    'stream_retry',
  ],
};

/** @throws {OwnerReservedError} for a plugin with the name of a part of the backend */
export function refuseReservedName(name: string): void {
  if (RESERVED.owners.includes(name.toLowerCase()) || /^_?aico_/i.test(name))
    throw new OwnerReservedError(name);
}
