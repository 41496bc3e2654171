/** An in-memory server of the sealed channel, for campaigns that alter its bytes. */
import {
  type ChannelResponder,
  type ChannelSession,
  FrameReader,
  MAX_HANDSHAKE_FRAME,
  type PairingOpening,
} from '@aico/protocol/channel';

interface ChannelServerOptions {
  readonly responder: ChannelResponder;
  /** The key of a device, if the device is known. */
  readonly deviceKey: (publicKey: Uint8Array) => Uint8Array | undefined;
  /** The key of a pairing code for one attempt. */
  readonly codeKey?: (codeId: number) => Uint8Array | undefined;
  readonly onContent: (content: Uint8Array) => void;
  /** A device proved that it knows the code. */
  readonly onPaired?: () => void;
}

/** One connection to the server. After a failure it sends nothing more. */
export class ChannelServerConnection {
  readonly #options: ChannelServerOptions;
  readonly #frames = new FrameReader(MAX_HANDSHAKE_FRAME);
  readonly #sent: Uint8Array[] = [];
  #state:
    | { readonly kind: 'opening' }
    | { readonly kind: 'pairing'; readonly opening: PairingOpening }
    | { readonly kind: 'open'; readonly session: ChannelSession }
    | { readonly kind: 'over' } = { kind: 'opening' };

  constructor(options: ChannelServerOptions) {
    this.#options = options;
  }

  /** All bytes that it has sent. */
  get sent(): Buffer {
    return Buffer.concat(this.#sent);
  }

  /** Whether the connection has failed. */
  get refused(): boolean {
    return this.#state.kind === 'over';
  }

  push(bytes: Uint8Array): void {
    this.#guarded(() => this.#take(bytes.slice(), 0));
  }

  /** Called when the peer has ended its side of the connection. */
  finish(): void {
    this.#guarded(() => {
      if (this.#state.kind !== 'open') throw new Error('cut in the handshake');
      this.#state.session.finish();
    });
  }

  #guarded(work: () => void): void {
    if (this.#state.kind === 'over') return;
    try {
      work();
    } catch {
      this.#state = { kind: 'over' };
      this.#sent.push(this.#options.responder.refusal);
    }
  }

  #take(chunk: Uint8Array, offset: number): void {
    if (this.#state.kind === 'open') {
      this.#state.session.push(chunk.subarray(offset), this.#options.onContent);
      return;
    }
    const frame = this.#frames.read(chunk, offset);
    if (frame === undefined) return;
    const next = this.#frames.position;
    if (this.#state.kind === 'opening') this.#open(frame);
    else if (this.#state.kind === 'pairing') this.#pair(this.#state.opening, frame);
    this.#take(chunk, next);
  }

  #open(frame: Uint8Array): void {
    const opening = this.#options.responder.open(frame);
    if (opening.kind === 'pairing') {
      this.#sent.push(opening.reply());
      this.#state = { kind: 'pairing', opening };
      return;
    }
    const psk = this.#options.deviceKey(opening.deviceKey);
    if (psk === undefined) throw new Error('unknown device');
    const { reply, session } = opening.accept(psk);
    this.#sent.push(reply);
    this.#state = { kind: 'open', session };
  }

  #pair(opening: PairingOpening, frame: Uint8Array): void {
    const psk = this.#options.codeKey?.(opening.codeId);
    if (psk === undefined) throw new Error('unknown code');
    const requested = opening.receive(frame, psk);
    this.#options.onPaired?.();
    this.#sent.push(requested.grant({ deviceId: 'd', name: 'd', roles: [] }).message);
    this.#state = { kind: 'open', session: requested.session };
  }
}
