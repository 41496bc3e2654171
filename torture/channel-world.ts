/** The setup of the channel's campaigns: a device, a server that knows it, and a pairing code. */
import {
  ChannelInitiator,
  ChannelResponder,
  type ChannelSession,
  createPairingCode,
  generateKeyPair,
  PairingInitiator,
} from '@aico/protocol/channel';
import { sodiumSuite as suite } from '@aico/protocol/channel/node';
import { ChannelServerConnection } from './channel-server.ts';

/** A frame's body. */
export function bodyOf(frame: Uint8Array): Uint8Array {
  return frame.slice(2);
}

export class ChannelWorld {
  readonly #staticKey = generateKeyPair(suite);
  readonly #instance = suite.random(16);
  readonly #code = createPairingCode(suite);
  readonly credentials = {
    deviceKey: generateKeyPair(suite),
    serverKey: this.#staticKey.publicKey,
    instance: this.#instance,
    psk: suite.random(32),
  };
  /** How often each content was executed. */
  readonly executed: Map<string, number> = new Map();
  paired = 0;
  responder = this.#responder();

  /** Makes a new server with the same keys, as after a restart. */
  restart(): void {
    this.responder = this.#responder();
  }

  connect(): ChannelServerConnection {
    return new ChannelServerConnection({
      responder: this.responder,
      deviceKey: (key) =>
        Buffer.compare(key, this.credentials.deviceKey.publicKey) === 0 ? this.credentials.psk : undefined,
      // Attempts are not limited, which is weaker than a real server.
      codeKey: (id) => (id === this.#code.id ? this.#code.psk : undefined),
      onContent: (content) => {
        const text = Buffer.from(content).toString('latin1');
        this.executed.set(text, (this.executed.get(text) ?? 0) + 1);
      },
      onPaired: () => {
        this.paired += 1;
      },
    });
  }

  device(): ChannelInitiator {
    return new ChannelInitiator(suite, this.credentials);
  }

  newDevice(): PairingInitiator {
    return new PairingInitiator(suite, generateKeyPair(suite), this.#code, { name: 'new', roles: [] });
  }

  /** Opens a connection up to the end of its handshake. @returns it, with the bytes that the device sent */
  open(): { connection: ChannelServerConnection; session: ChannelSession; first: Uint8Array } {
    const connection = this.connect();
    const device = this.device();
    connection.push(device.message);
    return { connection, session: device.receive(bodyOf(connection.sent)), first: device.message };
  }

  #responder(): ChannelResponder {
    return new ChannelResponder({ suite, staticKey: this.#staticKey, instance: this.#instance });
  }
}

/** Mulberry32, so that a seed repeats the run. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
