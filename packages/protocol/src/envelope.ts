/**
 * A message's attributes, named as in CloudEvents 1.0 (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md);
 * `traceparent` is its distributed tracing extension, `replyto` is ours.
 */
export interface Envelope<T = unknown> {
  readonly id: string;
  /** The publisher: a component's name. */
  readonly source: string;
  /** The topic it was published on. */
  readonly type: string;
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly datacontenttype: string;
  /** W3C trace context, when the publisher was traced. */
  readonly traceparent?: string | undefined;
  /** The topic for the answer, if the message is a request. */
  readonly replyto?: string | undefined;
  /**
   * Milliseconds until the requester stops waiting for the answer; zero or less once it has. Computed on each read from
   * the monotonic clock of this process: the clocks of two machines are never compared.
   */
  readonly timeLeftMs?: number | undefined;
  readonly data: T;
}
