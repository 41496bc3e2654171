import { parsePattern } from '@aico/protocol';
import { DatabaseBusyError, type DatabaseFaults, DiskFaults } from '@aico/shared/data';
import type { TestBus } from './test-bus.ts';

/**
 * Faults that a test injects into the services that a plugin uses. They arise where real ones do (a commit of the engine, the
 * transport of the bus), so that plugins meet the same errors and states. The clock is no fault: see `TestClock.set` for a
 * time of day that jumps.
 *
 * @example
 * ```ts
 * backend.faults.disk.fill();
 * assert.equal((await backend.request('/api/v1/notes', { method: 'POST', body: { text: 'x' } })).status, 507);
 * backend.faults.disk.free();
 * ```
 */
export class Faults {
  readonly database: PluginWriteFaults = new PluginWriteFaults();
  readonly disk: DiskFaultControl = new DiskFaultControl();
  readonly bus: BusFaults;

  constructor(bus: TestBus) {
    this.bus = new BusFaults(bus);
  }

  /** The faults as the database asks for them. @internal */
  get forDatabase(): DatabaseFaults {
    return { disk: this.disk.faults, refuseWrite: (owner) => this.database.next(owner) };
  }

  /** Ends every fault that can end: a disk that broke is trusted again only after a restart. */
  end(): void {
    this.database.end();
    this.disk.free();
    this.bus.accept();
  }
}

/** Writes of plugins that fail. */
export class PluginWriteFaults {
  #left = 0;
  #plugin: string | undefined;

  /**
   * Makes the next writes of plugins fail with `AICO_DATA_BUSY`, as if another process held the lock of the database for too
   * long: a statement of its own, or the commit of a transaction, which is rolled back. Writes of the backend succeed, and so do the
   * transactions that the service `'idempotency'` opens.
   *
   * @param count how many writes fail
   * @param plugin whose writes fail; default: any plugin's
   */
  failNextWrite(count = 1, plugin?: string): void {
    this.#left = count;
    this.#plugin = plugin;
  }

  end(): void {
    this.#left = 0;
  }

  /** The error with which a write of `owner` fails; `undefined` without a fault. @internal */
  next(owner: string | undefined): Error | undefined {
    if (this.#left === 0 || owner === undefined) return undefined;
    if (this.#plugin !== undefined && this.#plugin !== owner) return undefined;
    this.#left -= 1;
    return new DatabaseBusyError(new Error('a fault of the test'));
  }
}

/** Faults of the disk that the database is on. */
export class DiskFaultControl {
  /** @internal */
  readonly faults: DiskFaults = new DiskFaults();

  /** Leaves no room: writes fail with `AICO_DATA_DISK_FULL`, and the database is read-only until {@link free}. */
  fill(): void {
    this.faults.meet('full');
  }

  /** Makes room again and ends {@link slowDown}. The database notices within milliseconds. */
  free(): void {
    this.faults.meet(undefined);
    this.faults.delay(0);
  }

  /** Makes the next commit fail at its fsync: no write is acknowledged until the backend is restarted. */
  fail(): void {
    this.faults.meet('broken');
  }

  /** Makes each commit take `ms` milliseconds longer. */
  slowDown(ms: number): void {
    this.faults.delay(ms);
  }
}

/** Messages that the bus refuses. */
export class BusFaults {
  readonly #bus: TestBus;

  constructor(bus: TestBus) {
    this.#bus = bus;
  }

  /**
   * Makes `publish` reject with `AICO_BUS_FULL` for the topics of a pattern. A durable message is still stored: its
   * consumers receive it, and only its delivery to the current subscriptions is refused.
   *
   * @throws {TopicInvalidError} when `pattern` is not one
   */
  refuse(pattern = '>'): void {
    parsePattern(pattern);
    this.#bus.refused = pattern;
  }

  accept(): void {
    this.#bus.refused = undefined;
  }
}
