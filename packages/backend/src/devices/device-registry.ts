import { randomUUID } from 'node:crypto';
import { parseJson } from '@aico/protocol';
import { fingerprint } from '@aico/protocol/channel';
import { sodiumSuite } from '@aico/protocol/channel/node';
import type { Logger } from '@aico/shared/core/logging';
import type { ColumnSeal, Database, Migration, SealedPlace, SqlParameter } from '@aico/shared/data';
import type { AuditRecorder, SecurityEvent } from '@aico/shared/data/audit';
import type { Access, Principal } from '../core/access.ts';
import { DeviceTakenError, DeviceUnknownError, RoleBeyondOwnError } from './errors.ts';
import type { Roles } from './roles.ts';
import { OPENINGS_PER_DEVICE, SeenOpenings } from './seen-openings.ts';

/** A paired device, as it is shown to those who may list devices. */
export interface Device {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  /** The fingerprint of its public key, as docs/sealed-channel.md defines it. */
  readonly fingerprint: string;
  /** RFC 3339. */
  readonly pairedAt: string;
  readonly lastSeenAt: string | undefined;
}

/** The keys that authenticate a device. */
export interface DeviceKeys {
  /** The static X25519 key of the device. */
  readonly publicKey: Uint8Array;
  /** The pre-shared key of the device and this home. */
  readonly psk: Uint8Array;
}

export interface NewDevice extends DeviceKeys {
  /** Default: a fresh UUID. */
  readonly id?: string;
  readonly name: string;
  readonly roles: readonly string[];
  /** The address that it paired from. */
  readonly source?: string;
}

interface DeviceRow {
  readonly id: string;
  readonly name: string;
  readonly roles: string;
  readonly public_key: Uint8Array;
  readonly psk: Uint8Array;
  readonly paired_at: string;
  readonly last_seen_at: string | null;
}

interface KnownDevice {
  readonly device: Device;
  readonly keys: DeviceKeys;
}

interface DeviceRegistryOptions {
  readonly database: Database;
  /** Seals the pre-shared keys; needed where the engine does not encrypt the whole store. */
  readonly seal?: ColumnSeal | undefined;
  readonly roles: Roles;
  /** Logs every pairing, renaming and revocation. */
  readonly logger: Logger;
  /** Records them, each in the transaction that makes it. */
  readonly audit: Pick<AuditRecorder, 'within'>;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
}

const MIGRATIONS: readonly Migration[] = [
  {
    id: '001_device',
    sql: `CREATE TABLE device (
      id TEXT PRIMARY KEY, name TEXT NOT NULL, roles TEXT NOT NULL, public_key BLOB NOT NULL UNIQUE, psk BLOB NOT NULL,
      paired_at TEXT NOT NULL, last_seen_at TEXT
    ) STRICT`,
  },
  {
    id: '002_device_opening',
    sql: `CREATE TABLE device_opening (
      number INTEGER PRIMARY KEY, device TEXT NOT NULL REFERENCES device (id) ON DELETE CASCADE, opening BLOB NOT NULL
    ) STRICT;
    CREATE INDEX device_opening_of ON device_opening (device, number)`,
  },
];

/**
 * The paired devices and their roles. They are stored in the encrypted database and kept in memory, so that a handshake does
 * not wait for the disk and a revocation takes effect with the next byte.
 */
export class DeviceRegistry {
  readonly #options: DeviceRegistryOptions;
  readonly #now: () => number;
  readonly #byId = new Map<string, KnownDevice>();
  readonly #byKey = new Map<string, KnownDevice>();
  readonly #openings = new SeenOpenings();
  /** The local changes that have begun, and those that have ended. A refresh that overlaps one would undo it in memory. */
  #begun = 0;
  #ended = 0;
  /** The devices revoked here, which stay revoked although the write of it may have failed. */
  readonly #revoked = new Set<string>();
  readonly #onRevoked = new Set<(id: string) => void>();
  readonly #onRolesChanged = new Set<(id: string) => void>();

  constructor(options: DeviceRegistryOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Creates the table if needed, and reads the paired devices. */
  async start(): Promise<void> {
    const { database } = this.#options;
    await database.migrate('devices', MIGRATIONS);
    const { rows } = await database.execute<DeviceRow>('SELECT * FROM device ORDER BY paired_at, id');
    for (const row of rows) this.#load({ ...row, psk: this.#open(row) });
    const { rows: openings } = await database.execute<{ device: string; opening: Uint8Array }>(
      'SELECT device, opening FROM device_opening ORDER BY number',
    );
    for (const { device, opening } of openings) this.#openings.add(device, opening);
  }

  /** Takes over the changes that other nodes of the home have made. A revocation there takes effect here when it resolves. */
  async refresh(): Promise<void> {
    const begun = this.#begun;
    if (begun !== this.#ended) return;
    const { database } = this.#options;
    const { rows } = await database.execute<Pick<DeviceRow, 'id' | 'name' | 'roles' | 'last_seen_at'>>(
      'SELECT id, name, roles, last_seen_at FROM device',
    );
    const added: DeviceRow[] = [];
    for (const { id } of rows) {
      if (this.#byId.has(id) || this.#revoked.has(id)) continue;
      const found = await database.execute<DeviceRow>('SELECT * FROM device WHERE id = ?', [id]);
      added.push(...found.rows);
    }
    // The next refresh sees the state with the local change.
    if (this.#begun !== begun) return;
    const ids = new Set(rows.map(({ id }) => id));
    for (const known of [...this.#byId.values()]) if (!ids.has(known.device.id)) this.#forget(known);
    for (const row of added) this.#load(row);
    for (const { id, name, roles, last_seen_at } of rows) {
      const known = this.#byId.get(id);
      if (known === undefined) continue;
      const { device } = known;
      const hasOtherRoles = JSON.stringify(device.roles) !== JSON.stringify(rolesOf(roles));
      const lastSeenAt = last_seen_at ?? undefined;
      if (!hasOtherRoles && device.name === name && device.lastSeenAt === lastSeenAt) continue;
      this.#replace(known, {
        ...device,
        name,
        lastSeenAt,
        roles: hasOtherRoles ? rolesOf(roles) : device.roles,
      });
      if (hasOtherRoles) for (const listener of this.#onRolesChanged) listener(id);
    }
  }

  list(): readonly Device[] {
    return [...this.#byId.values()].map(({ device }) => device);
  }

  /** @throws {DeviceUnknownError} */
  get(id: string): Device {
    return this.#known(id).device;
  }

  /** The device of a public key, with its pre-shared key. */
  byPublicKey(publicKey: Uint8Array): KnownDevice | undefined {
    return this.#byKey.get(hex(publicKey));
  }

  /**
   * Pairs a device. Durable when it resolves.
   *
   * @throws {RoleUnknownError} @throws {DeviceTakenError}
   */
  async add({ id = randomUUID(), name, roles, publicKey, psk, source }: NewDevice): Promise<Device> {
    this.#options.roles.check(roles);
    const taken = this.byPublicKey(publicKey);
    if (taken !== undefined) throw new DeviceTakenError(taken.device.name);
    const row: DeviceRow = {
      id,
      name,
      roles: JSON.stringify(roles),
      public_key: Uint8Array.from(publicKey),
      psk: Uint8Array.from(psk),
      paired_at: this.#time(),
      last_seen_at: null,
    };
    await this.#change(
      'INSERT INTO device (id, name, roles, public_key, psk, paired_at) VALUES (?, ?, ?, ?, ?, ?)',
      [row.id, row.name, row.roles, row.public_key, this.#sealed(row), row.paired_at],
      {
        action: 'device.paired',
        subject: id,
        ...(source !== undefined && { actor: `stranger:${source}` }),
        details: { name, roles, fingerprint: fingerprint(sodiumSuite, row.public_key) },
      },
    );
    const { device } = this.#load(row);
    this.#options.logger.warn('Device paired', {
      device: device.id,
      name,
      roles,
      fingerprint: device.fingerprint,
    });
    return device;
  }

  /** @throws {DeviceUnknownError} */
  async rename(id: string, name: string): Promise<Device> {
    const known = this.#known(id);
    await this.#change('UPDATE device SET name = ? WHERE id = ?', [name, id], {
      action: 'device.renamed',
      subject: id,
      details: { from: known.device.name, to: name },
    });
    this.#options.logger.info('Device renamed', { device: id, from: known.device.name, to: name });
    return this.#replace(known, { ...known.device, name });
  }

  /**
   * Checks that `by` may give these roles to a device, including itself.
   *
   * @throws {RoleUnknownError} @throws {RoleBeyondOwnError} when they permit more than the roles of `by`
   */
  checkGiven(by: Principal, roles: readonly string[]): void {
    this.#options.roles.check(roles);
    if (by.kind === 'owner') return;
    const own = this.#byId.get(by.id)?.device.roles ?? [];
    if (!this.#options.roles.include(own, roles)) throw new RoleBeyondOwnError(roles);
  }

  /** @throws {DeviceUnknownError} @throws {RoleUnknownError} */
  async setRoles(id: string, roles: readonly string[]): Promise<Device> {
    this.#options.roles.check(roles);
    const known = this.#known(id);
    await this.#change('UPDATE device SET roles = ? WHERE id = ?', [JSON.stringify(roles), id], {
      action: 'device.roles_changed',
      subject: id,
      details: { from: known.device.roles, to: roles },
    });
    this.#options.logger.warn('Device given other roles', {
      device: id,
      from: known.device.roles,
      to: roles,
    });
    const device = this.#replace(known, { ...known.device, roles });
    for (const listener of this.#onRolesChanged) listener(id);
    return device;
  }

  /**
   * Revokes a device at once: its open channels are cut and it can open no others, even if the write fails.
   *
   * @throws {DeviceUnknownError}
   */
  async revoke(id: string): Promise<void> {
    const known = this.#known(id);
    const { device } = known;
    this.#revoked.add(id);
    this.#forget(known);
    this.#options.logger.warn('Device revoked', { device: id, name: device.name });
    await this.#change('DELETE FROM device WHERE id = ?', [id], {
      action: 'device.revoked',
      subject: id,
      details: { name: device.name },
    });
  }

  /**
   * Remembers the id of an opening; after the device is proven, also across a restart.
   *
   * @returns whether it is new
   */
  noteOpening(id: string, openingId: Uint8Array): boolean {
    return this.#openings.add(id, openingId);
  }

  /** Records that a device is proven. Its first message counts as a replay from now on, also after a restart. */
  async noteSeen(id: string, openingId: Uint8Array): Promise<void> {
    const known = this.#byId.get(id);
    if (known === undefined) return;
    const lastSeenAt = this.#time();
    this.#replace(known, { ...known.device, lastSeenAt });
    await this.#options.database.transaction(async (tx) => {
      await tx.execute('UPDATE device SET last_seen_at = ? WHERE id = ?', [lastSeenAt, id]);
      // The device may have been revoked meanwhile.
      await tx.execute('INSERT INTO device_opening (device, opening) SELECT id, ? FROM device WHERE id = ?', [
        SeenOpenings.keyOf(openingId),
        id,
      ]);
      await tx.execute(
        `DELETE FROM device_opening WHERE device = ? AND number <=
          (SELECT number FROM device_opening WHERE device = ? ORDER BY number DESC LIMIT 1 OFFSET ?)`,
        [id, id, OPENINGS_PER_DEVICE],
      );
    });
  }

  /** Calls `listener` at each revocation, before anything else. */
  onRevoked(listener: (id: string) => void): () => void {
    this.#onRevoked.add(listener);
    return () => this.#onRevoked.delete(listener);
  }

  /** Calls `listener` after the roles of a device have changed. */
  onRolesChanged(listener: (id: string) => void): () => void {
    this.#onRolesChanged.add(listener);
    return () => this.#onRolesChanged.delete(listener);
  }

  /** The device as a principal. Its rights are looked up at each use, so that a revocation takes effect at once. */
  principalOf(id: string): Principal {
    const find = (): Device | undefined => this.#byId.get(id)?.device;
    const { roles } = this.#options;
    return {
      kind: 'device',
      id,
      get name() {
        return find()?.name ?? '';
      },
      may(access: Access) {
        const device = find();
        return device !== undefined && roles.permit(device.roles, access);
      },
    };
  }

  /** Makes a change and records it: both become durable, or neither. */
  async #change(sql: string, params: readonly SqlParameter[], event: SecurityEvent): Promise<void> {
    const { database, audit } = this.#options;
    this.#begun += 1;
    try {
      await database.transaction(async (tx) => {
        await tx.execute(sql, params);
        await audit.within(tx, event);
      });
    } finally {
      this.#ended += 1;
    }
  }

  /** Takes the rights of a device, and notifies the listeners. */
  #forget({ device: { id }, keys }: KnownDevice): void {
    this.#byId.delete(id);
    this.#byKey.delete(hex(keys.publicKey));
    this.#openings.forget(id);
    for (const listener of this.#onRevoked) listener(id);
  }

  #known(id: string): KnownDevice {
    const known = this.#byId.get(id);
    if (known === undefined) throw new DeviceUnknownError(id);
    return known;
  }

  #sealed({ id, psk }: DeviceRow): Uint8Array {
    return this.#options.seal?.seal(psk, placeOf(id)) ?? psk;
  }

  #open({ id, psk }: DeviceRow): Uint8Array {
    return this.#options.seal?.openBytes(psk, placeOf(id)) ?? psk;
  }

  #load(row: DeviceRow): KnownDevice {
    const device: Device = {
      id: row.id,
      name: row.name,
      roles: rolesOf(row.roles),
      fingerprint: fingerprint(sodiumSuite, row.public_key),
      pairedAt: row.paired_at,
      lastSeenAt: row.last_seen_at ?? undefined,
    };
    return this.#keep({ device, keys: { publicKey: row.public_key, psk: row.psk } });
  }

  #replace(known: KnownDevice, device: Device): Device {
    // A device that was revoked during the write is not added again.
    if (this.#byId.has(device.id)) this.#keep({ device, keys: known.keys });
    return device;
  }

  #keep(known: KnownDevice): KnownDevice {
    this.#byId.set(known.device.id, known);
    this.#byKey.set(hex(known.keys.publicKey), known);
    return known;
  }

  #time(): string {
    return new Date(this.#now()).toISOString();
  }
}

/** The place of a sealed pre-shared key. */
function placeOf(key: string): SealedPlace {
  return { table: 'device', column: 'psk', key };
}

function rolesOf(text: string): readonly string[] {
  const roles: unknown = parseJson(text);
  return Array.isArray(roles) ? roles.filter((role) => typeof role === 'string') : [];
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
