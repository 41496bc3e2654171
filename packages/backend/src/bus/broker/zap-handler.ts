import { encodeZ85 } from '@aico/shared/core/bus/zeromq';
import { type Context, Reply } from 'zeromq';

/** The ZAP domain of the broker's socket. */
export const ZAP_DOMAIN = 'aico-bus';

const VERSION = '1.0';

interface ZapOptions {
  readonly isAllowed: (publicKey: string) => boolean;
  /** Called when the handler has stopped answering, so that no further connection is admitted. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Decides for ZeroMQ whether a connection is admitted (ZAP, https://rfc.zeromq.org/spec/27/): only CURVE with a listed key. All
 * others are refused before the broker receives a byte.
 */
export class ZapHandler {
  readonly #socket: Reply;
  readonly #options: ZapOptions;
  #running: Promise<void> | undefined;
  /** The numbers of admitted and refused connections. */
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
        // stop() was called between the request and the answer.
        if (this.#socket.closed) return;
        throw error;
      }
    }
  }
}
