import { EncryptedDatabase, RetentionClock, randomConflicts, recoverRotation } from '@aico/shared/data';
import { wipe } from '@aico/shared/security';
import { PluginPriority } from '../../core/plugin/plugin-base.ts';
import { databaseSection } from '../core-sections.ts';
import { RESERVED } from '../reserved-names.ts';
import { Witnesses } from '../witness.ts';
import { type BuiltInService, type HostParts, service } from './host-parts.ts';
import type { PluginTables } from './plugin-tables.ts';

/** A test that makes room on the disk does not wait a second for it to be noticed. */
const TEST_ROOM_CHECK_MS = 10;

export function databaseService(
  { paths, config, logging, keyManager, areKeysNew, homeUse, databaseFaults, engineWorker }: HostParts,
  tables: PluginTables,
): BuiltInService {
  const witnesses = new Witnesses();
  let wasOpened = false;
  let preparedWorker = engineWorker;
  const uses = new WeakMap<object, () => void>();
  return service(
    'database',
    async (require) => {
      const file = paths.databaseFile;
      const logger = logging.getLogger('database', 'engine');
      const { cipher, keyring_witness } = config.section(databaseSection);
      // A keyring is slow: it is opened while the threads start, and awaited before anything is written.
      const opening = keyring_witness ? witnesses.open(file, logger) : Promise.resolve(undefined);
      const isFirstOfHome = areKeysNew() && !wasOpened;
      const endUse = homeUse.begin();
      let key: Uint8Array | undefined;
      try {
        await recoverRotation({ file, keys: keyManager });
        key = require('key_manager').databaseKey();
        const worker = preparedWorker;
        preparedWorker = undefined;
        const database = await EncryptedDatabase.open({
          file,
          key,
          cipher,
          engineWorker: worker,
          logger,
          reserved: RESERVED,
          // Tests check the contract of `transaction`, under which its work may run again.
          conflicts: config.get('environment', 'development') === 'test' ? randomConflicts() : undefined,
          faults: databaseFaults,
          ...(databaseFaults === undefined ? {} : { roomCheckMs: TEST_ROOM_CHECK_MS }),
          witness: {
            refuse: async (stamp, replaces) => {
              // The keyring may have the entry of an earlier home at this path, whose count of commits does not apply to a new
              // one.
              if (!isFirstOfHome) await (await opening)?.refuse(stamp, replaces);
            },
          },
        });
        wasOpened = true;
        await proveDurable(database);
        await witnesses.follow(database, await opening);
        uses.set(database, endUse);
        return database;
      } catch (error) {
        endUse();
        throw error;
      } finally {
        if (key !== undefined) wipe(key);
      }
    },
    {
      dependencies: ['config', 'paths', 'logging', 'key_manager'],
      priority: PluginPriority.INFRASTRUCTURE,
      stop: async (database) => {
        await witnesses.close(database);
        await database.close().finally(() => uses.get(database)?.());
      },
      // A plugin gets a view restricted to its tables. The backend's own services may access all of them.
      viewFor: (database, consumer) => tables.viewOf(database, consumer) ?? database,
    },
  );
}

export function retentionClockService({ clock: { now, elapsed } }: HostParts): BuiltInService {
  return service(
    'retention_clock',
    (require) =>
      new RetentionClock({ database: require('database'), wallClock: now, monotonicClock: elapsed }),
    {
      dependencies: ['database'],
      priority: PluginPriority.INFRASTRUCTURE,
      // A full disk must not fail the stop; the clock then resumes from where it was last saved.
      stop: (clock) => clock.save().catch(() => undefined),
    },
  );
}

/** The table with the time of the last start. */
const START_MIGRATIONS = [
  {
    id: '001_start',
    sql: "CREATE TABLE core_start (at TEXT NOT NULL) STRICT; INSERT INTO core_start VALUES ('')",
  },
];

/** Makes one durable commit, so that a disk that cannot write fails the start and not a later write. */
async function proveDurable(database: EncryptedDatabase): Promise<void> {
  try {
    await database.migrate('core', START_MIGRATIONS);
    await database.execute('UPDATE core_start SET at = ?', [new Date().toISOString()]);
  } catch (error) {
    // A full database can still be read, and written once there is room.
    if (database.state.kind === 'read-only') return;
    await database.close().catch(() => undefined);
    throw error;
  }
}
