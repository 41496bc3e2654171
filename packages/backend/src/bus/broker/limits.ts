/** Bounds of what remote clients may cost. */
export interface BrokerLimits {
  /** The largest frame that is taken, in bytes; a message is a little smaller. */
  readonly frameBytes: number;
  /** Bytes that may wait for one client. */
  readonly queueBytes: number;
  /** Bytes of a client's messages that may be on their way here unconfirmed. */
  readonly windowBytes: number;
  readonly sessions: number;
  readonly sessionsPerComponent: number;
  readonly subscriptionsPerSession: number;
  /** Milliseconds between heartbeats. */
  readonly heartbeatMs: number;
  /** Milliseconds that a full queue may hold up publishers where its policy is `wait`. */
  readonly waitMs: number;
}

export const DEFAULT_LIMITS: BrokerLimits = {
  frameBytes: 1_114_112,
  queueBytes: 8_388_608,
  windowBytes: 524_288,
  sessions: 1_024,
  sessionsPerComponent: 64,
  subscriptionsPerSession: 1_024,
  heartbeatMs: 5_000,
  waitMs: 10_000,
};

/** Handshakes that may be under way at the same time: the oldest makes room. */
export const PENDING_HANDSHAKES = 256;
