import { AicoError, DataBoundsError, parseTopic } from '@aico/protocol';
import {
  attributeFault,
  type Consumption,
  consumerNameFault,
  type DurableStore,
  decodeBody,
  type Envelope,
  failureAnswer,
  type InProcessBus,
  isContentType,
  MessageBusClient,
  successAnswer,
  whyNotPublish,
  whyNotSubscribe,
} from '@aico/shared/core/bus';
import {
  CloseRequest,
  DURABLE_TOPICS,
  OpenRequest,
  PublishRequest,
  PullRequest,
  readBody,
  SettleRequest,
} from '@aico/shared/core/bus/remote';
import { BusDeniedError } from '@aico/shared/core/bus/zeromq';
import type { Static, TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { ConsumptionEndedError, DurableRequestError } from '../errors.ts';
import type { Rights } from '../grants/rights.ts';
import { ServedConsumption } from './served-consumption.ts';

/** Requests that are processed concurrently; further ones wait in their publishers' windows. */
const AT_ONCE = 256;
/** The most consumers of one client. */
const CONSUMPTIONS = 64;
const LONGEST_MS = 2 ** 31 - 1;

interface DurableServiceOptions {
  readonly hub: InProcessBus;
  readonly store: DurableStore;
  /** Returns the connected clients. */
  readonly members: () => Iterable<Member>;
  /** The largest message that can be sent to a client, in bytes. */
  readonly messageBytes: number;
  readonly onError: (error: Error) => void;
}

/** A connected client. */
export interface Member {
  readonly component: string;
  readonly client: string;
  readonly rights: Rights;
}

/** The sender of a request. The broker has checked `source` and `replyto` against the connection. */
interface Asker extends Member {
  readonly source: string;
}

/**
 * Lets other processes publish and consume durable messages: answers the requests on `_durable.…` (docs/bus-protocol.md), with
 * the rights that the component has on the topic itself.
 */
export class DurableService {
  readonly #options: DurableServiceOptions;
  readonly #bus: MessageBusClient;
  /** By client, then by id. */
  readonly #consumptions = new Map<string, Map<string, ServedConsumption>>();
  readonly #working = new Set<Promise<void>>();

  constructor(options: DurableServiceOptions) {
    this.#options = options;
    this.#bus = new MessageBusClient({
      source: 'bus_broker',
      transport: options.hub,
      owns: ['bus'],
      onError: options.onError,
    });
  }

  async start(): Promise<void> {
    await this.#bus.connect();
    await this.#answer(DURABLE_TOPICS.publish, PublishRequest, (asker, asked) => this.#publish(asker, asked));
    await this.#answer(DURABLE_TOPICS.open, OpenRequest, (asker, asked) => this.#open(asker, asked));
    await this.#answer(DURABLE_TOPICS.pull, PullRequest, (asker, asked) => {
      const { holding, waitMs, idle = false } = asked;
      return this.#consumption(asker, asked.consumption).pull(holding, waitMs, idle);
    });
    await this.#answer(DURABLE_TOPICS.settle, SettleRequest, async (asker, asked) => {
      this.#consumption(asker, asked.consumption).settle(asked);
    });
    await this.#answer(DURABLE_TOPICS.close, CloseRequest, async (asker, { consumption }) => {
      const running = this.#consumption(asker, consumption);
      this.#consumptions.get(keyOf(asker))?.delete(consumption);
      await running.stop();
    });
  }

  async stop(): Promise<void> {
    await this.#bus.close();
    const all = [...this.#consumptions.values()].flatMap((each) => [...each.values()]);
    this.#consumptions.clear();
    await Promise.all(all.map((consumption) => consumption.stop()));
    await Promise.all(this.#working);
  }

  /** Handles the end of a client's connection: its unsettled messages are delivered again. */
  forget(component: string, client: string): void {
    const key = keyOf({ component, client });
    const all = this.#consumptions.get(key);
    this.#consumptions.delete(key);
    for (const consumption of all?.values() ?? []) void consumption.stop().catch(this.#options.onError);
  }

  async #publish({ rights, source }: Asker, asked: PublishRequest): Promise<void> {
    const { id, type, datacontenttype, traceparent } = asked;
    parseTopic(type);
    const refusal = whyNotPublish(type) ?? rights.refusePublish(type);
    if (refusal !== undefined) throw new BusDeniedError(type, refusal);
    if (!isContentType(datacontenttype)) throw new DurableRequestError('its content type is not known');
    refuseUnlessAttributes({ id, traceparent });
    const isJson = datacontenttype === 'application/json';
    const body = readBody(asked);
    if (typeof body === 'string' && !isJson) throw new DurableRequestError('only JSON is given as text');
    if (typeof body !== 'string' && isJson && body.length > 0)
      throw new DurableRequestError('JSON is given as text');
    try {
      decodeBody(type, Buffer.from(body), datacontenttype);
    } catch (error) {
      if (error instanceof DataBoundsError) throw error;
      throw new DurableRequestError(`its body is not ${datacontenttype}`, error);
    }
    await this.#options.store.append(
      { id, topic: type, source, contentType: datacontenttype, traceparent, body },
      undefined,
    );
  }

  async #open(asker: Asker, asked: OpenRequest): Promise<void> {
    const { pattern, consumer, maxInFlight, maxAttempts, retryDelayMs, from } = asked;
    const { component, client, rights } = asker;
    refuseUnlessAttributes({ consumption: asked.consumption });
    const fault = consumerNameFault(consumer);
    if (fault !== undefined) throw new DurableRequestError(`"consumer" ${fault}`);
    const refusal = whyNotSubscribe(pattern) ?? rights.refuseSubscribe(pattern, '');
    if (refusal !== undefined) throw new BusDeniedError(pattern, refusal);
    const key = keyOf(asker);
    const all = this.#consumptions.get(key) ?? new Map<string, ServedConsumption>();
    // Its client did not receive the answer, or has reconnected.
    const before = all.get(asked.consumption);
    if (before === undefined && all.size >= CONSUMPTIONS)
      throw new DurableRequestError(`${CONSUMPTIONS} consumers of one client are the most`);
    // Registered before the first await, so that concurrent requests and the end of the connection find it.
    const served = new ServedConsumption(this.#options.messageBytes);
    all.set(asked.consumption, served);
    this.#consumptions.set(key, all);
    const consume = async (): Promise<Consumption> => {
      await before?.stop();
      return this.#options.store.consume(pattern, `${component}/${consumer}`, served.take, {
        ...(maxInFlight === undefined ? {} : { maxInFlight }),
        ...(maxAttempts === undefined ? {} : { maxAttempts }),
        ...(retryDelayMs === undefined ? {} : { retryDelayMs }),
        ...(from === undefined ? {} : { from }),
      });
    };
    try {
      await served.run(consume);
      // The client may have disconnected meanwhile.
      if (this.#member(component, client) === undefined) throw new ConsumptionEndedError();
    } catch (error) {
      if (all.get(asked.consumption) === served) all.delete(asked.consumption);
      await served.stop();
      throw error;
    }
  }

  #consumption(asker: Asker, id: string): ServedConsumption {
    const consumption = this.#consumptions.get(keyOf(asker))?.get(id);
    if (consumption === undefined) throw new ConsumptionEndedError();
    return consumption;
  }

  /** Calls `work` for each request on `topic` that fits `schema`, several concurrently, and sends its outcome back. */
  async #answer<S extends TSchema>(
    topic: string,
    schema: S,
    work: (asker: Asker, asked: Static<S>) => Promise<unknown>,
  ): Promise<void> {
    let checked: Validator | undefined;
    const answer = async (asked: unknown, envelope: Envelope): Promise<unknown> => {
      checked ??= Compile(schema);
      if (!checked.Check(asked)) throw new DurableRequestError('it does not match docs/bus-protocol.md');
      // The request has just been checked against the schema.
      return successAnswer(await work(this.#askerOf(topic, envelope), asked as Static<S>));
    };
    await this.#bus.subscribe(
      topic,
      async (_topic, asked, envelope) => {
        const { replyto, timeLeftMs } = envelope;
        if (replyto === undefined || (timeLeftMs !== undefined && timeLeftMs <= 0)) return;
        const job = answer(asked, envelope)
          .catch((error: unknown) => {
            if (!(error instanceof AicoError)) this.#options.onError(toError(error));
            return failureAnswer(error);
          })
          .then((outcome) => this.#bus.publish(replyto, outcome))
          // A disconnected client needs no answer.
          .catch(() => {})
          .finally(() => this.#working.delete(job));
        this.#working.add(job);
        if (topic !== DURABLE_TOPICS.pull && this.#working.size >= AT_ONCE) await job;
      },
      { overflow: 'wait', waitMs: LONGEST_MS },
    );
  }

  #askerOf(topic: string, { source, replyto }: Envelope): Asker {
    const [component = ''] = source.split('/');
    const [, owner, client = ''] = replyto?.split('.') ?? [];
    const member = owner === component ? this.#member(component, client) : undefined;
    if (member === undefined) throw new BusDeniedError(topic, 'it is for connected clients of the broker');
    return { component, client, rights: member.rights, source };
  }

  #member(component: string, client: string): Member | undefined {
    for (const member of this.#options.members())
      if (member.client === client && member.component === component) return member;
    return undefined;
  }
}

/** Texts that are stored as names and shown to people follow the rules of message attributes. */
function refuseUnlessAttributes(texts: Readonly<Record<string, string | undefined>>): void {
  for (const [name, text] of Object.entries(texts)) {
    const fault = text === undefined ? undefined : attributeFault(text);
    if (fault !== undefined) throw new DurableRequestError(`"${name}" ${fault}`);
  }
}

function keyOf({ component, client }: { readonly component: string; readonly client: string }): string {
  return `${component}.${client}`;
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
