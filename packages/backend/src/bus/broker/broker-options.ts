import type { HubSubscription } from '@aico/shared/core/bus';
import type { FrameBatch } from '@aico/shared/core/bus/frames';
import type { CurveKeyPair } from '@aico/shared/core/bus/zeromq';
import type { RemoteSubscription } from '../queues/remote-subscription.ts';
import type { BrokerLimits } from './limits.ts';

/** A component's key and rights. */
export interface ComponentGrant {
  readonly component: string;
  /** Z85. */
  readonly publicKey: string;
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** The plugins of this process, as the local side of the bus. */
export interface LocalSide {
  /** Whether a plugin has subscribed to `topic`. */
  isSubscribedTo(topic: string): boolean;
  /**
   * Returns a promise if a subscription of a plugin applies back-pressure.
   *
   * @throws {AicoError} when a message cannot be decoded
   */
  publish(batch: FrameBatch): Promise<unknown> | undefined;
  subscribe(subscription: RemoteSubscription, changed: () => void): HubSubscription;
  /** Whether requests on `topic` are answered. */
  isAnswered(topic: string): boolean;
}

/** An event for the log. */
export interface BrokerEvent {
  readonly name: 'joined' | 'left' | 'refused' | 'failed';
  readonly component: string | undefined;
  readonly client?: string | undefined;
  readonly reason?: string | undefined;
  readonly error?: unknown;
}

export interface BrokerOptions {
  readonly keys: CurveKeyPair;
  /** The addresses to listen on: `tcp://127.0.0.1:0`, `ipc:///path`. */
  readonly endpoints: readonly string[];
  readonly grants: () => Iterable<ComponentGrant>;
  readonly local?: LocalSide;
  readonly limits?: Partial<BrokerLimits>;
  readonly onEvent?: (event: BrokerEvent) => void;
}
