import type { Database, Migration, Transaction } from '@aico/shared/data';
import type { AuditRecorder } from '@aico/shared/data/audit';
import { nodeIdOf } from '@aico/shared/security';
import {
  LastNodeError,
  NodeRemovedError,
  NodeTakenError,
  NodeUnknownError,
  OtherHomeError,
} from './errors.ts';

/** A node of the home, as the table has it. */
export interface MemberNode {
  /** Derived from its public key. */
  readonly id: string;
  readonly name: string;
  /** The version of the backend at its last start; empty before its first. */
  readonly version: string;
  /** RFC 3339. */
  readonly joinedAt: string;
  /** When it last started or stopped, RFC 3339; `undefined` before its first start. */
  readonly lastSeenAt: string | undefined;
}

/** A node that joins. */
export interface JoiningNode {
  readonly name: string;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

interface NodeRegistryOptions {
  /** The database that all nodes share. */
  readonly database: Database;
  readonly audit: Pick<AuditRecorder, 'within'>;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
}

interface NodeRow {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly joined_at: string;
  readonly last_seen_at: string | null;
  readonly removed_at: string | null;
}

// A removed node keeps its row, so that it is refused and does not join by itself.
const TABLES = [
  `CREATE TABLE node (
    id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, public_key BLOB NOT NULL, version TEXT NOT NULL,
    joined_at TEXT NOT NULL, last_seen_at TEXT, removed_at TEXT
  )`,
  'CREATE TABLE node_home (home TEXT NOT NULL)',
];

const MIGRATIONS: readonly Migration[] = [
  {
    id: '001_node',
    sql: { sqlite: TABLES.map((table) => `${table} STRICT`).join(';\n'), postgres: TABLES.join(';\n') },
  },
];

/** The nodes of a home, in the database that they share. */
export class NodeRegistry {
  readonly #database: Database;
  readonly #audit: Pick<AuditRecorder, 'within'>;
  readonly #now: () => number;

  constructor({ database, audit, now = Date.now }: NodeRegistryOptions) {
    this.#database = database;
    this.#audit = audit;
    this.#now = now;
  }

  /**
   * Creates the tables if needed. The first node claims the database for its home.
   * @param home the same on each node of the home, and on no other
   * @throws {OtherHomeError}
   */
  async start(home: string): Promise<void> {
    await this.#database.migrate('nodes', MIGRATIONS);
    await this.#database.transaction(async (tx) => {
      const { rows } = await tx.execute<{ home: string }>('SELECT home FROM node_home');
      if (rows.length === 0) await tx.execute('INSERT INTO node_home (home) VALUES (?)', [home]);
      else if (rows.some((row) => row.home !== home)) throw new OtherHomeError();
    });
  }

  /** The nodes that were not removed, in the order of joining. */
  async list(): Promise<readonly MemberNode[]> {
    const { rows } = await this.#database.execute<NodeRow>(
      'SELECT * FROM node WHERE removed_at IS NULL ORDER BY joined_at, id',
    );
    return rows.map(memberOf);
  }

  /**
   * Notes that a node runs. It is added if the table does not have it: it has the root key of the home, since it has started.
   * @throws {NodeRemovedError}
   */
  async enter(node: JoiningNode, version: string): Promise<void> {
    const id = nodeIdOf(node.publicKey);
    await this.#database.transaction(async (tx) => {
      const row = await find(tx, id);
      if (row === undefined) await this.#insert(tx, node);
      else if (row.removed_at !== null) throw new NodeRemovedError(id, row.removed_at);
      await tx.execute('UPDATE node SET version = ?, last_seen_at = ? WHERE id = ?', [
        version,
        this.#time(),
        id,
      ]);
    });
  }

  /** Notes that a node has stopped. */
  async leave(id: string): Promise<void> {
    await this.#database.execute('UPDATE node SET last_seen_at = ? WHERE id = ?', [this.#time(), id]);
  }

  /**
   * Adds a node that was invited. Durable when it resolves.
   * @throws {NodeTakenError}
   */
  async add(node: JoiningNode): Promise<MemberNode> {
    const id = nodeIdOf(node.publicKey);
    return await this.#database.transaction(async (tx) => {
      if ((await find(tx, id)) !== undefined) throw new NodeTakenError(id);
      return await this.#insert(tx, node);
    });
  }

  /**
   * Removes a node: its backend stops within a second, and starts no more.
   * @throws {NodeUnknownError} @throws {LastNodeError}
   */
  async remove(id: string): Promise<MemberNode> {
    return await this.#database.transaction(async (tx) => {
      const row = await find(tx, id);
      if (row === undefined || row.removed_at !== null) throw new NodeUnknownError(id);
      const { rows } = await tx.execute('SELECT id FROM node WHERE removed_at IS NULL AND id <> ?', [id]);
      if (rows.length === 0) throw new LastNodeError(id);
      await tx.execute('UPDATE node SET removed_at = ? WHERE id = ?', [this.#time(), id]);
      await this.#audit.within(tx, { action: 'node.removed', subject: id, details: { name: row.name } });
      return memberOf(row);
    });
  }

  /** When a node was removed; `undefined` while it is a member. */
  async removedAt(id: string): Promise<string | undefined> {
    return (await find(this.#database, id))?.removed_at ?? undefined;
  }

  async #insert(tx: Transaction, { name, publicKey }: JoiningNode): Promise<MemberNode> {
    const node = {
      id: nodeIdOf(publicKey),
      name,
      version: '',
      joinedAt: this.#time(),
      lastSeenAt: undefined,
    };
    await tx.execute('INSERT INTO node (id, name, public_key, version, joined_at) VALUES (?, ?, ?, ?, ?)', [
      node.id,
      name,
      Uint8Array.from(publicKey),
      node.version,
      node.joinedAt,
    ]);
    await this.#audit.within(tx, { action: 'node.joined', subject: node.id, details: { name } });
    return node;
  }

  #time(): string {
    return new Date(this.#now()).toISOString();
  }
}

async function find(queryable: Pick<Transaction, 'execute'>, id: string): Promise<NodeRow | undefined> {
  const { rows } = await queryable.execute<NodeRow>('SELECT * FROM node WHERE id = ?', [id]);
  return rows[0];
}

function memberOf({ id, name, version, joined_at, last_seen_at }: NodeRow): MemberNode {
  return { id, name, version, joinedAt: joined_at, lastSeenAt: last_seen_at ?? undefined };
}
