import { AicoError } from '@aico/protocol';
import { RequestFailedError, RequestTimeoutError } from '../../errors.ts';
import { BusDeniedError } from '../../transports/zeromq/errors.ts';
import type { BusTransaction, ConsumeOptions, Consumption, DurableStore, StoredMessage } from '../types.ts';
import { DurableRefusedError, RemoteTransactionError } from './errors.ts';
import { RemoteConsumption, type RemoteHandler } from './remote-consumption.ts';
import type { StoreConnection } from './store-connection.ts';
import { DURABLE_TOPICS, type PublishAsked, writeBody } from './wire.ts';

/** How often a message is offered to the store: asking again is safe, for it keeps each id once. */
const TRIES = 4;
const TIMEOUT_MS = 5_000;

/** The store of durable messages in the backend, as another process reaches it through the broker. */
export class RemoteStore implements DurableStore {
  readonly #line: StoreConnection;

  constructor(line: StoreConnection) {
    this.#line = line;
  }

  /**
   * @throws {RemoteTransactionError} with `tx`
   * @throws {BusDeniedError} when it may not publish there
   * @throws {DurableRefusedError} when the store failed
   * @throws {RequestTimeoutError} when nothing was heard: it may have been kept, and may be published again under its id
   */
  async append(message: StoredMessage, tx: BusTransaction | undefined): Promise<void> {
    if (tx !== undefined) throw new RemoteTransactionError();
    const { id, topic, contentType, traceparent, body } = message;
    const asked: PublishAsked = {
      id,
      type: topic,
      datacontenttype: contentType,
      ...(traceparent === undefined ? {} : { traceparent }),
      ...writeBody(body),
    };
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#line.request(DURABLE_TOPICS.publish, asked, {
          timeoutMs: TIMEOUT_MS,
          ...signalOf(this.#line.lost),
        });
        return;
      } catch (error) {
        if (attempt === TRIES || !mayAskAgain(error)) throw translate(error, topic);
      }
    }
  }

  /** @throws {BusDeniedError} @throws {DurableRefusedError} also when a consumer of this name runs already */
  async consume(
    pattern: string,
    consumer: string,
    handler: RemoteHandler,
    options: ConsumeOptions,
  ): Promise<Consumption> {
    const consumption = new RemoteConsumption({ line: this.#line, pattern, consumer, handler, options });
    try {
      await consumption.open();
    } catch (error) {
      throw translate(error, pattern);
    }
    return consumption;
  }
}

/** While there is no connection, it waits for one. */
function signalOf(lost: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return lost === undefined || lost.aborted ? {} : { signal: lost };
}

/** Whether it was not answered at all. */
function mayAskAgain(error: unknown): boolean {
  if (error instanceof RequestTimeoutError) return true;
  return error instanceof AicoError && error.code === 'AICO_BUS_CONNECTION_LOST';
}

function translate(error: unknown, topic: string): unknown {
  if (!(error instanceof RequestFailedError)) return error;
  if (error.remoteCode === 'AICO_BUS_DENIED')
    return new BusDeniedError(topic, 'durable messages of that topic are not within its rights');
  return new DurableRefusedError(topic, error.remoteCode, error);
}
