import {
  EncryptedDatabase,
  type OwnableDatabase,
  RetentionClock,
  randomConflicts,
  recoverRotation,
  type SimulatedConflicts,
} from '@aico/shared/data';
import { wipe } from '@aico/shared/security';
import { PluginPriority } from '../../core/plugin/plugin-base.ts';
import { databaseSection } from '../core-sections.ts';
import { RESERVED, SEALED_COLUMNS } from '../reserved-names.ts';
import { Witnesses } from '../witness.ts';
import { type BuiltInService, type HostParts, service } from './host-parts.ts';
import type { PluginTables } from './plugin-tables.ts';

/** A test that makes room on the disk does not wait a second for it to be noticed. */
const TEST_ROOM_CHECK_MS = 10;

/** The encrypted database in the home: the file, its key and its witness. */
export class HomeDatabase {
  readonly #parts: HostParts;
  readonly #witnesses = new Witnesses();
  readonly #uses = new WeakMap<object, () => void>();
  #wasOpened = false;
  #preparedWorker: HostParts['engineWorker'];

  constructor(parts: HostParts) {
    this.#parts = parts;
    this.#preparedWorker = parts.engineWorker;
  }

  async open(): Promise<EncryptedDatabase> {
    const { paths, config, logging, keyManager, areKeysNew, homeUse, databaseFaults } = this.#parts;
    const file = paths.databaseFile;
    const logger = logging.getLogger('database', 'engine');
    const { cipher, keyring_witness } = config.section(databaseSection);
    // A keyring is slow: it is opened while the threads start, and awaited before anything is written.
    const opening = keyring_witness ? this.#witnesses.open(file, logger) : Promise.resolve(undefined);
    const isFirstOfHome = areKeysNew() && !this.#wasOpened;
    const endUse = homeUse.begin();
    let key: Uint8Array | undefined;
    try {
      await recoverRotation({ file, keys: keyManager });
      key = keyManager.databaseKey();
      const worker = this.#preparedWorker;
      this.#preparedWorker = undefined;
      const database = await EncryptedDatabase.open({
        file,
        key,
        cipher,
        engineWorker: worker,
        logger,
        reserved: RESERVED,
        conflicts: conflictsOf(this.#parts),
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
      this.#wasOpened = true;
      await proveDurable(database);
      await this.#witnesses.follow(database, await opening);
      this.#uses.set(database, endUse);
      return database;
    } catch (error) {
      endUse();
      throw error;
    } finally {
      if (key !== undefined) wipe(key);
    }
  }

  async close(database: EncryptedDatabase): Promise<void> {
    await this.#witnesses.close(database);
    await database.close().finally(() => this.#uses.get(database)?.());
  }
}

/** The database of the backend: the file of the home, or the server that is configured. */
export function databaseService(parts: HostParts, home: HomeDatabase, tables: PluginTables): BuiltInService {
  return service(
    'database',
    async () => {
      const { url, connections } = parts.config.section(databaseSection);
      if (url === undefined) return await home.open();
      // Loaded here, so that a backend with its own file does not load the driver.
      const { PostgresDatabase } = await import('@aico/shared/data/postgres');
      const database = await PostgresDatabase.open({
        url: url.reveal(),
        connections,
        logger: parts.logging.getLogger('database', 'engine'),
        reserved: RESERVED,
        sealed: SEALED_COLUMNS,
        conflicts: conflictsOf(parts),
        faults: parts.databaseFaults,
      });
      await proveDurable(database);
      return database;
    },
    {
      dependencies: ['config', 'paths', 'logging', 'key_manager'],
      priority: PluginPriority.INFRASTRUCTURE,
      stop: (database) => (database instanceof EncryptedDatabase ? home.close(database) : database.close()),
      // A plugin gets a view restricted to its tables. The backend's own services may access all of them.
      viewFor: (database, consumer) => tables.viewOf(database, consumer) ?? database,
    },
  );
}

/**
 * The encrypted database in the home, for data that stays on this machine. It is the service `database` itself, unless that is on a
 * server.
 */
export function nodeDatabaseService(home: HomeDatabase): BuiltInService {
  let own: EncryptedDatabase | undefined;
  return service(
    'node_database',
    async (require) => {
      const database = require('database');
      if (database instanceof EncryptedDatabase) return database;
      own = await home.open();
      return own;
    },
    {
      dependencies: ['database'],
      priority: PluginPriority.INFRASTRUCTURE,
      stop: async () => {
        if (own !== undefined) await home.close(own);
        own = undefined;
      },
    },
  );
}

/** Tests check the contract of `transaction`, under which its work may run again. */
function conflictsOf({ config }: HostParts): SimulatedConflicts | undefined {
  return config.get('environment', 'development') === 'test' ? randomConflicts() : undefined;
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
async function proveDurable(database: OwnableDatabase): Promise<void> {
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
