import { AicoError } from '@aico/protocol';
import { RequestFailedError, RequestTimeoutError } from '../../errors.ts';
import { BusDeniedError } from '../../transports/zeromq/errors.ts';
import type { BusTransaction, ConsumeOptions, Consumption, DurableStore, StoredMessage } from '../types.ts';
import { DurableRefusedError, RemoteTransactionError } from './errors.ts';
import { RemoteConsumption, type RemoteHandler } from './remote-consumption.ts';
import type { StoreConnection } from './store-connection.ts';
import { DURABLE_TOPICS, type PublishRequest, writeBody } from './wire.ts';

/** How often a message is sent to the store. Retries are safe, since the store keeps one message for each id. */
const ATTEMPTS = 4;
const TIMEOUT_MS = 5_000;

/** Sends durable messages through the broker to the store of the backend. */
export class RemoteStore implements DurableStore {
  readonly #connection: StoreConnection;

  constructor(connection: StoreConnection) {
    this.#connection = connection;
  }

  /**
   * @throws {RemoteTransactionError} with `tx`
   * @throws {BusDeniedError} when the component has no right to publish on the topic
   * @throws {DurableRefusedError} when the store failed
   * @throws {RequestTimeoutError} when the broker did not answer: the message may have been stored, and may be published again
   * with the same id
   */
  async append(message: StoredMessage, tx: BusTransaction | undefined): Promise<void> {
    if (tx !== undefined) throw new RemoteTransactionError();
    const { id, topic, contentType, traceparent, body } = message;
    const request: PublishRequest = {
      id,
      type: topic,
      datacontenttype: contentType,
      ...(traceparent === undefined ? {} : { traceparent }),
      ...writeBody(body),
    };
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#connection.request(DURABLE_TOPICS.publish, request, {
          timeoutMs: TIMEOUT_MS,
          ...signalOf(this.#connection.lost),
        });
        return;
      } catch (error) {
        if (attempt === ATTEMPTS || !isUnanswered(error)) throw translate(error, topic);
      }
    }
  }

  /** @throws {BusDeniedError} @throws {DurableRefusedError} also when a consumer of this name is already running */
  async consume(
    pattern: string,
    consumer: string,
    handler: RemoteHandler,
    options: ConsumeOptions,
  ): Promise<Consumption> {
    const connection = this.#connection;
    const consumption = new RemoteConsumption({ connection, pattern, consumer, handler, options });
    try {
      await consumption.open();
    } catch (error) {
      throw translate(error, pattern);
    }
    return consumption;
  }
}

/** Without a connection there is no signal: the request then waits for one until its timeout. */
function signalOf(lost: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return lost === undefined || lost.aborted ? {} : { signal: lost };
}

function isUnanswered(error: unknown): boolean {
  if (error instanceof RequestTimeoutError) return true;
  return error instanceof AicoError && error.code === 'AICO_BUS_CONNECTION_LOST';
}

function translate(error: unknown, topic: string): unknown {
  if (!(error instanceof RequestFailedError)) return error;
  if (error.remoteCode === 'AICO_BUS_DENIED')
    return new BusDeniedError(topic, 'the component has no right to durable messages on it');
  return new DurableRefusedError(topic, error.remoteCode, error);
}
