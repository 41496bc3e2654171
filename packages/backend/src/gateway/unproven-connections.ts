import { isIPv6 } from 'node:net';

export interface UnprovenLimits {
  /** The most unproven connections in all. */
  readonly max: number;
  /** The most unproven connections of one source. */
  readonly maxPerSource: number;
}

/**
 * An unproven connection to the public port: a request for liveness, a handshake in progress, a replay, or a silent connection.
 */
export class UnprovenConnection {
  /** The source of the connection: see {@link sourceOf}. */
  readonly source: string;
  readonly #leave: (connection: UnprovenConnection) => void;
  #turnAway: () => void;

  constructor(source: string, turnAway: () => void, leave: (connection: UnprovenConnection) => void) {
    this.source = source;
    this.#turnAway = turnAway;
    this.#leave = leave;
  }

  /** Replaces the action for when the connection has to make room for another. */
  onTurnedAway(turnAway: () => void): void {
    this.#turnAway = turnAway;
  }

  /** Removes the connection from the budget: it is proven or closed. */
  leave(): void {
    this.#leave(this);
  }

  /** Ends the connection to make room for another. */
  turnAway(): void {
    this.leave();
    this.#turnAway();
  }
}

/**
 * The budget for unproven connections. A new connection is never refused; instead the one that has waited longest is closed:
 * one of the same source if that source has reached its limit, else one of the source with the most. A correct device is proven
 * within one round trip, so an attacker that fills the budget displaces its own connections.
 *
 * @example
 * ```ts
 * const connection = unproven.admit(socket.remoteAddress ?? '', () => socket.destroy());
 * socket.once('close', () => connection.leave());
 * ```
 */
export class UnprovenConnections {
  readonly #limits: UnprovenLimits;
  /** By source, in the order of arrival. */
  readonly #bySource = new Map<string, Set<UnprovenConnection>>();
  #size = 0;

  constructor(limits: UnprovenLimits) {
    this.#limits = limits;
  }

  /** The number of unproven connections. */
  get size(): number {
    return this.#size;
  }

  /** @param turnAway ends the connection when it has to make room */
  admit(address: string, turnAway: () => void): UnprovenConnection {
    const source = sourceOf(address);
    const own = this.#bySource.get(source);
    if (own !== undefined && own.size >= this.#limits.maxPerSource) firstOf(own)?.turnAway();
    else if (this.#size >= this.#limits.max) firstOf(this.#largest())?.turnAway();
    const connection = new UnprovenConnection(source, turnAway, (gone) => this.#remove(gone));
    const siblings = this.#bySource.get(source);
    if (siblings === undefined) this.#bySource.set(source, new Set([connection]));
    else siblings.add(connection);
    this.#size += 1;
    return connection;
  }

  #largest(): ReadonlySet<UnprovenConnection> {
    let largest: ReadonlySet<UnprovenConnection> = new Set();
    for (const each of this.#bySource.values()) if (each.size > largest.size) largest = each;
    return largest;
  }

  #remove(connection: UnprovenConnection): void {
    const siblings = this.#bySource.get(connection.source);
    if (siblings?.delete(connection) !== true) return;
    this.#size -= 1;
    if (siblings.size === 0) this.#bySource.delete(connection.source);
  }
}

function firstOf(connections: ReadonlySet<UnprovenConnection>): UnprovenConnection | undefined {
  for (const first of connections) return first;
  return undefined;
}

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/**
 * The source to which a connection is attributed: an IPv4 address, also in its IPv6 form, or the first 64 bits of an IPv6
 * address, since one network has all addresses below them.
 */
export function sourceOf(address: string): string {
  const [, mapped] = MAPPED.exec(address) ?? [];
  if (mapped !== undefined) return mapped;
  const [bare = ''] = address.split('%');
  if (!isIPv6(bare)) return address;
  const [before = '', after] = bare.split('::');
  const head = groupsOf(before);
  const missing = after === undefined ? 0 : 8 - head.length - groupsOf(after).length;
  const groups = [...head, ...Array<string>(missing).fill('0'), ...groupsOf(after ?? '')];
  const network = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}

/** Splits an IPv6 address into groups; an IPv4 address at its end counts as two. */
function groupsOf(text: string): readonly string[] {
  return text === '' ? [] : text.split(':').flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]));
}
