/** Limits on the resources of remote clients. */
export interface BrokerLimits {
  /** The largest accepted frame in bytes; a message is slightly smaller. */
  readonly frameBytes: number;
  /** Bytes that may be queued for one client. */
  readonly queueBytes: number;
  /** Unconfirmed bytes of messages that a client may have in flight to the broker. */
  readonly windowBytes: number;
  readonly sessions: number;
  readonly sessionsPerComponent: number;
  readonly subscriptionsPerSession: number;
  /** Milliseconds between heartbeats. */
  readonly heartbeatMs: number;
  /** Milliseconds that a full queue may delay publishers if its policy is `wait`. */
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

/** Concurrent handshakes; beyond it the oldest is dropped. */
export const PENDING_HANDSHAKES = 256;
