import { encodeZ85 } from '@aico/shared/core/bus/zeromq';
import { type Context, Reply } from 'zeromq';

/** The domain that the broker's socket asks in. */
export const ZAP_DOMAIN = 'aico-bus';

const VERSION = '1.0';

interface ZapOptions {
  readonly isAllowed: (publicKey: string) => boolean;
  /** It answers no more, so that no further connection comes in. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Answers ZeroMQ's question whether a connection may come in (ZAP, https://rfc.zeromq.org/spec/27/): CURVE only, and
 * only listed keys. Everything else is refused before a byte of it reaches the broker.
 */
export class ZapHandler {
  readonly #socket: Reply;
  readonly #options: ZapOptions;
  #running: Promise<void> | undefined;
  /** How many connections were let in, and how many were not. */
  admitted = 0;
  refused = 0;

  constructor(context: Context, options: ZapOptions) {
    this.#socket = new Reply({ context, linger: 0 });
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.#socket.bind('inproc://zeromq.zap.01');
    this.#running = this.#answer().catch(this.#options.onFailure);
  }

  async stop(): Promise<void> {
    this.#socket.close();
    await this.#running;
  }

  async #answer(): Promise<void> {
    for await (const [version, request, domain, , , mechanism, key] of this.#socket) {
      const isAllowed =
        version?.toString() === VERSION &&
        domain?.toString() === ZAP_DOMAIN &&
        mechanism?.toString() === 'CURVE' &&
        key?.length === 32 &&
        this.#options.isAllowed(encodeZ85(key));
      if (isAllowed) this.admitted += 1;
      else this.refused += 1;
      const verdict = isAllowed ? ['200', 'OK'] : ['400', 'Refused'];
      try {
        await this.#socket.send([VERSION, request ?? '', ...verdict, '', '']);
      } catch (error) {
        // stop() came between the question and the answer.
        if (this.#socket.closed) return;
        throw error;
      }
    }
  }
}
