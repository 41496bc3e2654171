import { randomBytes } from 'node:crypto';
import { type AicoError, DataBoundsError, MAX_DATA_DEPTH, parsePattern, parseTopic } from '@aico/protocol';
import { type Backoff, backoffDelay, pause } from '../../../tasks/index.ts';
import { ReceiverFeed } from '../../delivery/receiver-feed.ts';
import {
  BusNotConnectedError,
  NoResponderError,
  PayloadInvalidError,
  RequestGivenUpError,
} from '../../errors.ts';
import { MessageTooLargeError } from '../../frames/errors.ts';
import { batchStartLimit, headerFault, MESSAGE_OVERHEAD } from '../../frames/frame-batch.ts';
import { FRAME_START } from '../../frames/frame-writer.ts';
import {
  FrameType,
  type Refused,
  readAck,
  readNumber,
  refused,
  subscribe,
  subscribed,
  unsubscribe,
  unsubscribed,
  type Welcome,
  writeAck,
} from '../../frames/frames.ts';
import { Inbox } from '../../frames/inbox.ts';
import { type BatchHeader, NO_NUMBER, type OpenBatch } from '../../messages/batch.ts';
import { contentTypeOf, encodeBody, isContentType } from '../../messages/codec.ts';
import { logTopic } from '../../topics/reserved-topics.ts';
import type { Receiver, TransportConnection } from '../transport.ts';
import type { BusCredential } from './credential.ts';
import { BusConnectionLostError, BusDeniedError, BusRefusedError, BusUnreachableError } from './errors.ts';
import { Link } from './link.ts';
import { Outbox } from './outbox.ts';

/** Bytes of DELIVER frames that may be in flight to this client. */
const WINDOW = 1_048_576;

/** The queue limit of a subscription at the broker. The subscription has another queue in this process. */
const BROKER_QUEUE = 4_096;

const RECONNECT: Backoff = { minDelayMs: 20, maxDelayMs: 2_000 };

interface ZeroMqConnectionOptions {
  readonly credential: BusCredential;
  readonly source: string;
  /** Milliseconds that connecting may take, and that a message may wait while there is no connection. */
  readonly timeoutMs: number;
  /** Called when the connection breaks, and when it is restored. */
  readonly onStatus: (status: LinkStatus) => void;
  /** Called with malformed frames. */
  readonly onError: (error: Error) => void;
}

/** A change of the connection to the broker. */
export type LinkStatus =
  | { readonly name: 'connected'; readonly endpoint: string }
  | { readonly name: 'disconnected'; readonly reason: string };

/** A header as it is sent. */
interface SentHeader {
  readonly header: BatchHeader;
  /** The maximum size of a frame with one message of this header, without the body. */
  readonly overhead: number;
}

const BYTES = 'application/octet-stream';

interface Subscribed {
  readonly id: number;
  readonly pattern: string;
  readonly receiver: Receiver;
}

/** A client's connection to the broker. When it breaks, it is restored with its subscriptions. */
export class ZeroMqConnection implements TransportConnection {
  readonly #options: ZeroMqConnectionOptions;
  readonly #client = randomBytes(8).toString('hex');
  readonly #outbox = new Outbox();
  readonly #inbox: Inbox;
  readonly #feeds = new Map<number, ReceiverFeed>();
  readonly #subscriptions = new Map<number, Subscribed>();
  /** Pending SUBSCRIBE and UNSUBSCRIBE frames, by the id of the subscription. */
  readonly #subscribing = new Map<number, PromiseWithResolvers<void>>();
  readonly #unsubscribing = new Map<number, PromiseWithResolvers<void>>();
  readonly #closing = new AbortController();
  #lost = new AbortController();
  #link: Link | undefined;
  #welcome: Welcome | undefined;
  #lastId = 0;
  /** The header of the last message, as its publisher made it and as it is sent. */
  #published: BatchHeader | undefined;
  #sent: SentHeader | undefined;
  /** The number of the next message if it continues the last batch. */
  #next = 0;
  #isClosing = false;
  #giveUp: NodeJS.Timeout | undefined;

  constructor(options: ZeroMqConnectionOptions) {
    this.#options = options;
    this.#inbox = new Inbox({
      feedsOf: (id) => {
        const feed = this.#feeds.get(id);
        return feed === undefined ? [] : [feed];
      },
      acknowledge: (numbers) => this.#link?.send(writeAck(numbers)),
      onError: options.onError,
    });
  }

  /** Set by the broker, thus empty before the client is connected. */
  get replyPrefix(): string {
    return this.#welcome?.reply ?? '';
  }

  get logTopic(): string {
    return logTopic(this.#options.credential.component);
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** @throws {BusUnreachableError} @throws {BusRefusedError} */
  async open(): Promise<void> {
    const deadline = performance.now() + this.#options.timeoutMs;
    let failure: unknown;
    for (let attempt = 0; performance.now() < deadline; attempt += 1) {
      const remaining = Math.ceil(deadline - performance.now());
      try {
        await this.#connect(attempt, remaining);
        return;
      } catch (error) {
        failure = error;
        if (error instanceof BusRefusedError) break;
      }
      await pause(Math.min(backoffDelay(attempt + 1, RECONNECT), remaining));
    }
    throw failure;
  }

  get gathering(): OpenBatch | undefined {
    const header = this.#published;
    if (header === undefined || this.#next === NO_NUMBER) return undefined;
    const next = (): number => this.#next;
    return {
      header,
      get next() {
        return next();
      },
      add: (payload) => {
        if (this.#published !== header || contentTypeOf(payload) !== header.contentType) return undefined;
        try {
          return this.publish(header, this.#next, payload);
        } catch {
          // The publisher then publishes the message separately and gets the error.
          return undefined;
        }
      },
    };
  }

  publish(header: BatchHeader, number: number, payload: unknown): Promise<void> {
    if (this.#isClosing) throw new BusNotConnectedError(this.#options.source, 'closed');
    const { contentType } = header;
    // The client has checked that the codec knows the content type.
    const content = encodeBody(header.topic, payload, isContentType(contentType) ? contentType : BYTES);
    let sent = this.#sent;
    if (sent === undefined || this.#published !== header) sent = this.#begin(header);
    const limit = this.#welcome?.frame ?? 0;
    const bytes = typeof content === 'string' ? content.length * 3 : content.byteLength;
    if (bytes + sent.overhead > limit) {
      const exact = Buffer.byteLength(content);
      if (exact + sent.overhead > limit)
        throw new MessageTooLargeError(header.topic, exact, limit - sent.overhead);
    }
    this.#next = number === NO_NUMBER ? number : number + 1;
    return this.#outbox.publish(sent.header, number, content);
  }

  async subscribe(pattern: string, receiver: Receiver): Promise<() => Promise<void>> {
    if (this.#isClosing) throw new BusNotConnectedError(this.#options.source, 'closed');
    parsePattern(pattern);
    this.#lastId += 1;
    const subscription: Subscribed = { id: this.#lastId, pattern, receiver };
    const { id } = subscription;
    this.#subscriptions.set(id, subscription);
    this.#feeds.set(id, new ReceiverFeed(receiver));
    const answered = Promise.withResolvers<void>();
    this.#subscribing.set(id, answered);
    this.#sendSubscribe(subscription);
    const { credential, timeoutMs } = this.#options;
    const late = new BusUnreachableError(credential.endpoints.join(' or '), timeoutMs);
    const timer = setTimeout(() => answered.reject(late), timeoutMs);
    try {
      await answered.promise;
    } catch (error) {
      this.#forget(id);
      throw error;
    } finally {
      clearTimeout(timer);
      this.#subscribing.delete(id);
    }
    return () => this.#unsubscribe(id);
  }

  /** Always `true`, since the broker knows, and refuses a request that no responder answers. */
  isAnswered(): boolean {
    return true;
  }

  async close(): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#closing.abort();
    if (this.#link === undefined) this.#outbox.discard('the client was closed');
    clearTimeout(this.#giveUp);
    const deadline = AbortSignal.timeout(this.#options.timeoutMs);
    const late = new Promise<void>((resolve) => deadline.addEventListener('abort', () => resolve()));
    await Promise.race([this.#outbox.whenIdle(), late]);
    this.#outbox.discard('the client was closed');
    this.#link?.close();
    this.#link = undefined;
    this.#outbox.detach();
    this.#settleAll();
    for (const id of this.#subscriptions.keys()) this.#forget(id);
  }

  /** Makes the header to be sent, whose source is one that the broker accepts from this component. */
  #begin(published: BatchHeader): SentHeader {
    parseTopic(published.topic);
    const header = { ...published, source: this.#sourceOf(published.source) };
    const fault = headerFault(header);
    if (fault !== undefined)
      throw new PayloadInvalidError(header.topic, [{ path: `/${fault.name}`, message: fault.reason }]);
    const sent = { header, overhead: FRAME_START + batchStartLimit(header) + MESSAGE_OVERHEAD };
    this.#published = published;
    this.#sent = sent;
    return sent;
  }

  /** Opens a link to one of the endpoints; each attempt uses the next endpoint. */
  async #connect(attempt: number, timeoutMs: number): Promise<void> {
    const { credential, onStatus } = this.#options;
    const endpoint = credential.endpoints[attempt % credential.endpoints.length] ?? '';
    const link = new Link({
      credential,
      endpoint,
      client: this.#client,
      window: WINDOW,
      timeoutMs: Math.min(timeoutMs, Math.max(500, this.#options.timeoutMs / 2)),
      onFrame: (frame) => this.#take(link, frame),
      onDown: (reason) => void this.#restore(reason),
    });
    const stop = (): void => link.close();
    this.#closing.signal.addEventListener('abort', stop);
    let welcome: Welcome;
    try {
      welcome = await link.open();
    } finally {
      this.#closing.signal.removeEventListener('abort', stop);
    }
    if (this.#closing.signal.aborted) {
      link.close();
      throw new BusUnreachableError(endpoint, timeoutMs);
    }
    clearTimeout(this.#giveUp);
    if (this.#lost.signal.aborted) this.#lost = new AbortController();
    this.#link = link;
    this.#welcome = welcome;
    for (const subscription of this.#subscriptions.values()) this.#sendSubscribe(subscription);
    this.#outbox.attach({ window: welcome.window, send: (frame) => link.send(frame) });
    onStatus({ name: 'connected', endpoint });
  }

  async #restore(reason: string): Promise<void> {
    const { signal } = this.#closing;
    const { timeoutMs, onStatus } = this.#options;
    this.#link = undefined;
    this.#outbox.detach();
    this.#inbox.forget();
    for (const { resolve } of this.#unsubscribing.values()) resolve();
    this.#unsubscribing.clear();
    this.#lost.abort(new BusConnectionLostError('_durable'));
    if (signal.aborted) return;
    onStatus({ name: 'disconnected', reason });
    this.#giveUp = setInterval(
      () => this.#outbox.discard(`there has been no connection to the broker for ${timeoutMs} ms`),
      timeoutMs,
    );
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        await this.#connect(attempt, timeoutMs);
        return;
      } catch {
        // The broker cannot be reached or refuses the client. Attempts continue, with increasing delays, until `close()`.
      }
      await pause(backoffDelay(attempt + 1, RECONNECT), signal);
    }
  }

  #take(link: Link, frame: Buffer): void {
    if (link !== this.#link) return;
    switch (frame[0]) {
      case FrameType.DELIVER: {
        this.#inbox.take(readNumber(frame) ?? 0, frame);
        return;
      }
      case FrameType.ACK: {
        this.#outbox.acknowledge(readAck(frame).at(-1) ?? 0);
        return;
      }
      case FrameType.REFUSED: {
        const content = refused.read(frame);
        if (content !== undefined) this.#outbox.refuse(content, (topic) => refusalOf(topic, content));
        return;
      }
      case FrameType.SUBSCRIBED: {
        const content = subscribed.read(frame);
        if (content !== undefined) this.#settleSubscribe(content.id, content.reason);
        return;
      }
      case FrameType.UNSUBSCRIBED: {
        const content = unsubscribed.read(frame);
        if (content === undefined) return;
        this.#unsubscribing.get(content.id)?.resolve();
        this.#unsubscribing.delete(content.id);
        return;
      }
      default:
      // Frames of unknown types come from a later version and are ignored.
    }
  }

  #sendSubscribe({ id, pattern, receiver }: Subscribed): void {
    const overflow = receiver.waits ? 'wait' : 'drop-oldest';
    this.#link?.send(subscribe.write(FrameType.SUBSCRIBE, { id, pattern, limit: BROKER_QUEUE, overflow }));
  }

  /** The broker accepts only the component's name, and names that begin with it and a slash. */
  #sourceOf(source: string): string {
    const { component } = this.#options.credential;
    return source === component || source.startsWith(`${component}/`) ? source : `${component}/${source}`;
  }

  #settleSubscribe(id: number, refusal: string | undefined): void {
    const subscription = this.#subscriptions.get(id);
    const waiting = this.#subscribing.get(id);
    this.#subscribing.delete(id);
    // The subscription was cancelled meanwhile, so the broker need not keep it.
    if (subscription === undefined) this.#link?.send(unsubscribe.write(FrameType.UNSUBSCRIBE, { id }));
    if (refusal === undefined) waiting?.resolve();
    else {
      waiting?.reject(new BusDeniedError(subscription?.pattern ?? '', refusal));
      this.#forget(id);
    }
  }

  async #unsubscribe(id: number): Promise<void> {
    if (!this.#subscriptions.has(id)) return;
    this.#forget(id);
    if (this.#link === undefined) return;
    const answered = Promise.withResolvers<void>();
    this.#unsubscribing.set(id, answered);
    this.#link.send(unsubscribe.write(FrameType.UNSUBSCRIBE, { id }));
    await answered.promise;
  }

  #forget(id: number): void {
    this.#subscriptions.delete(id);
    this.#feeds.get(id)?.end();
    this.#feeds.delete(id);
  }

  #settleAll(): void {
    const error = new BusNotConnectedError(this.#options.source, 'closed');
    for (const { reject } of this.#subscribing.values()) reject(error);
    this.#subscribing.clear();
    for (const { resolve } of this.#unsubscribing.values()) resolve();
    this.#unsubscribing.clear();
  }
}

/** Converts a refusal by the broker into the error that `publish` rejects with. */
function refusalOf(topic: string, { code, reason }: Refused): AicoError {
  if (code === 'UNANSWERED') return new NoResponderError(topic);
  if (code === 'ANSWER') return new RequestGivenUpError(topic);
  if (code === 'BOUNDS') return new DataBoundsError(`the message for "${topic}"`, 'depth', MAX_DATA_DEPTH);
  if (code === 'PAYLOAD') return new PayloadInvalidError(topic, [{ path: '', message: reason }]);
  return new BusDeniedError(topic, reason);
}
