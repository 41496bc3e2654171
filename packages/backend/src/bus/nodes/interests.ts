import { CANCEL_PREFIX, type Receiver } from '@aico/shared/core/bus';

/** The lane of all subscriptions that do not make publishers wait. */
export const SHARED_LANE = 1;

/** Topics that concern this node alone: each node serves the durable messages of its own components. */
const LOCAL = ['_durable.', `${CANCEL_PREFIX}_durable.`];

/** Adds a pattern to a lane, or removes it. */
export interface InterestChange {
  readonly add: boolean;
  readonly lane: number;
  readonly pattern: string;
}

interface Interest {
  readonly lane: number;
  readonly pattern: string;
  readonly receivers: Set<Receiver>;
}

/**
 * The patterns that the subscriptions of this node have, each once. A pattern of subscriptions that make publishers wait has a lane of
 * its own, which is a queue at each publishing node: a full subscription then delays no other. All other patterns share a lane.
 */
export class Interests {
  readonly #interests = new Map<string, Interest>();
  readonly #lanes = new Map<number, Interest>();
  #lastLane = SHARED_LANE;

  /** Returns the change to announce; `undefined` if the other nodes know the pattern, or need not. */
  add(pattern: string, receiver: Receiver): InterestChange | undefined {
    if (isLocal(pattern)) return undefined;
    const known = this.#interests.get(keyOf(pattern, receiver));
    if (known !== undefined) {
      known.receivers.add(receiver);
      return undefined;
    }
    let lane = SHARED_LANE;
    if (receiver.waits) {
      this.#lastLane += 1;
      lane = this.#lastLane;
    }
    const interest = { lane, pattern, receivers: new Set([receiver]) };
    this.#interests.set(keyOf(pattern, receiver), interest);
    if (receiver.waits) this.#lanes.set(lane, interest);
    return { add: true, lane, pattern };
  }

  remove(pattern: string, receiver: Receiver): InterestChange | undefined {
    const known = this.#interests.get(keyOf(pattern, receiver));
    if (known === undefined || !known.receivers.delete(receiver) || known.receivers.size > 0)
      return undefined;
    this.#interests.delete(keyOf(pattern, receiver));
    this.#lanes.delete(known.lane);
    return { add: false, lane: known.lane, pattern };
  }

  /** The receivers of a lane of its own; none if its subscriptions have ended. */
  receiversOf(lane: number): Iterable<Receiver> {
    return this.#lanes.get(lane)?.receivers ?? [];
  }

  /** All patterns, as changes. */
  all(): readonly InterestChange[] {
    return [...this.#interests.values()].map(({ lane, pattern }) => ({ add: true, lane, pattern }));
  }
}

/** Whether only this node needs to know of subscriptions to `pattern`. */
export function isLocal(pattern: string): boolean {
  return LOCAL.some((prefix) => pattern.startsWith(prefix));
}

function keyOf(pattern: string, { waits }: Receiver): string {
  return waits ? `wait ${pattern}` : pattern;
}
