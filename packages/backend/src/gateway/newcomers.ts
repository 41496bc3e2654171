import { isIPv6 } from 'node:net';

export interface NewcomerLimits {
  /** Newcomers in all. */
  readonly max: number;
  /** Newcomers of one source. */
  readonly maxPerSource: number;
}

/**
 * A connection to the public port that has not proved which device it belongs to: one that asks for liveness, one in the
 * midst of a handshake, one that is a replay, or one that sends nothing.
 */
export class Newcomer {
  /** Where it comes from: see {@link sourceOf}. */
  readonly source: string;
  readonly #leave: (newcomer: Newcomer) => void;
  #turnAway: () => void;

  constructor(source: string, turnAway: () => void, leave: (newcomer: Newcomer) => void) {
    this.source = source;
    this.#turnAway = turnAway;
    this.#leave = leave;
  }

  /** Replaces what happens when the connection has to make room for another. */
  onTurnedAway(turnAway: () => void): void {
    this.#turnAway = turnAway;
  }

  /** The connection has proved which device it belongs to, or is closed: it counts here no longer. */
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
 * The budget for connections that have proved nothing. No connection is refused for want of room: the newcomer that has waited the
 * longest makes room, first one of the same source where that source has its share, else one of the source that has the
 * most. An honest device proves itself within one round trip, so an attacker that fills the budget turns away its own connections.
 *
 * @example
 * ```ts
 * const newcomer = newcomers.admit(socket.remoteAddress ?? '', () => socket.destroy());
 * socket.once('close', () => newcomer.leave());
 * ```
 */
export class Newcomers {
  readonly #limits: NewcomerLimits;
  /** By source, those that came first before the others. */
  readonly #bySource = new Map<string, Set<Newcomer>>();
  #size = 0;

  constructor(limits: NewcomerLimits) {
    this.#limits = limits;
  }

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** @param turnAway ends the connection, should it have to make room */
  admit(address: string, turnAway: () => void): Newcomer {
    const source = sourceOf(address);
    const own = this.#bySource.get(source);
    if (own !== undefined && own.size >= this.#limits.maxPerSource) firstOf(own)?.turnAway();
    else if (this.#size >= this.#limits.max) firstOf(this.#largest())?.turnAway();
    const newcomer = new Newcomer(source, turnAway, (gone) => this.#remove(gone));
    const siblings = this.#bySource.get(source);
    if (siblings === undefined) this.#bySource.set(source, new Set([newcomer]));
    else siblings.add(newcomer);
    this.#size += 1;
    return newcomer;
  }

  #largest(): ReadonlySet<Newcomer> {
    let largest: ReadonlySet<Newcomer> = new Set();
    for (const each of this.#bySource.values()) if (each.size > largest.size) largest = each;
    return largest;
  }

  #remove(newcomer: Newcomer): void {
    const siblings = this.#bySource.get(newcomer.source);
    if (siblings?.delete(newcomer) !== true) return;
    this.#size -= 1;
    if (siblings.size === 0) this.#bySource.delete(newcomer.source);
  }
}

function firstOf(newcomers: ReadonlySet<Newcomer>): Newcomer | undefined {
  for (const first of newcomers) return first;
  return undefined;
}

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/**
 * Who counts as one: an IPv4 address, also one that is written as IPv6, or the first 64 bits of an IPv6 address, since a network
 * has all the addresses below them.
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

/** An IPv4 address at the end stands for two groups. */
function groupsOf(text: string): readonly string[] {
  return text === '' ? [] : text.split(':').flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]));
}
