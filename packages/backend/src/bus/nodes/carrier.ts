/** The connection of a node to the server that passes frames between nodes. It may lose any frame. */
export interface Carrier {
  /** The largest payload, in bytes. */
  readonly maxPayload: number;
  /** The last refusal of the server while it is connected, such as of a subject for lack of a permission. */
  readonly fault: string | undefined;
  /** Sends a payload; without a connection it is lost. The payload must not be changed afterwards. */
  publish(subject: string, payload: Uint8Array): void;
  /** Resolves when everything sent so far has reached the server, or the connection is lost. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** Receives the events of a carrier. Its methods must not throw. */
export interface CarrierListener {
  /** Called at the first connection and at each further one, when all subscriptions are in force. */
  onUp(carrier: Carrier): void;
  onDown(reason: string): void;
  onPayload(subject: string, payload: Uint8Array): void;
}

/** Opens a carrier, which connects in the background and calls `listener`. */
export type OpenCarrier = (subjects: readonly string[], listener: CarrierListener) => Carrier;
