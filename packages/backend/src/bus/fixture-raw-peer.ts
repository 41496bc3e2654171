import { randomBytes } from 'node:crypto';
import {
  bye,
  type CurveKeyPair,
  challenge,
  FrameType,
  FrameWriter,
  hello,
  MESSAGE_OVERHEAD,
  PROTOCOL_VERSION,
  proof,
  proveIdentity,
  type RunHead,
  readRun,
  readRunHead,
  refused,
  subscribe,
  subscribed,
  type Welcome,
  welcome,
  writeAck,
} from '@aico/shared/core/bus/zeromq';
import { Dealer } from 'zeromq';

/** What may be done otherwise than the protocol says. */
export interface RawPeerOptions {
  readonly endpoint: string;
  readonly serverKey: string;
  /** Absent: no encryption. */
  readonly keys?: CurveKeyPair | undefined;
  readonly plain?: boolean;
  readonly routingId?: string;
}

/** What a handshake may say otherwise. */
export interface JoinChanges {
  readonly routingId?: string;
  readonly nonce?: Buffer;
  readonly client?: string;
  readonly window?: number;
  readonly timeoutMs?: number;
}

/** What a message says besides its body; the rest is as a member in good standing has it. */
export type RawHead = Partial<RunHead> & { readonly topic: string; readonly source: string };

/** A message as it came in a DELIVER frame. */
export interface RawMessage {
  readonly subscription: number;
  readonly head: RunHead;
  readonly body: string;
}

/** A peer that sends whatever a test likes. */
export class RawPeer {
  readonly socket: Dealer;
  readonly routingId: string;
  readonly frames: Buffer[] = [];
  /** What the broker said when it let this peer in. */
  welcomed: Welcome | undefined;
  #woken = Promise.withResolvers<void>();
  #number = 0;

  constructor({ endpoint, serverKey, keys, plain = false, routingId }: RawPeerOptions) {
    this.routingId = routingId ?? randomBytes(16).toString('hex');
    this.socket = new Dealer({
      routingId: this.routingId,
      linger: 0,
      sendTimeout: 0,
      sendHighWaterMark: 0,
      ...(plain ? { plainUsername: 'admin', plainPassword: 'admin' } : {}),
      ...(keys === undefined
        ? {}
        : { curveServerKey: serverKey, curvePublicKey: keys.publicKey, curveSecretKey: keys.secretKey }),
    });
    this.socket.connect(endpoint);
    void this.#receive();
  }

  async send(frame: Buffer): Promise<void> {
    await this.socket.send(frame).catch(() => {});
  }

  /** The next frame of one of these types that has not been taken yet; `undefined` when none comes in time. */
  async next(types: readonly number[], timeoutMs: number): Promise<Buffer | undefined> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const index = this.frames.findIndex((frame) => types.includes(frame[0] ?? 0));
      if (index >= 0) return this.frames.splice(index, 1)[0];
      const left = deadline - performance.now();
      if (left <= 0) return undefined;
      const late = new Promise<void>((resolve) => setTimeout(resolve, left));
      await Promise.race([this.#woken.promise, late]);
    }
  }

  /** Says hello as `component` and answers the challenge with `secretKey`; whether it was welcomed. */
  async join(
    component: string,
    secretKey: string,
    serverKey: string,
    changes: JoinChanges = {},
  ): Promise<'welcome' | 'refused' | 'silence'> {
    const { timeoutMs = 3_000 } = changes;
    await this.sayHello(component, changes);
    const frame = await this.next([FrameType.CHALLENGE, FrameType.BYE], timeoutMs);
    const nonce = frame === undefined ? undefined : challenge.read(frame)?.nonce;
    if (frame?.[0] === FrameType.BYE) return 'refused';
    if (nonce === undefined) return 'silence';
    await this.prove(component, secretKey, serverKey, {
      nonce: changes.nonce ?? Buffer.from(nonce, 'hex'),
      routingId: changes.routingId ?? this.routingId,
    });
    const answer = await this.next([FrameType.WELCOME, FrameType.BYE], timeoutMs);
    if (answer === undefined) return 'silence';
    this.welcomed = welcome.read(answer);
    return answer[0] === FrameType.WELCOME ? 'welcome' : 'refused';
  }

  async sayHello(
    component: string,
    { client = randomBytes(8).toString('hex'), window = 1_048_576 }: JoinChanges = {},
  ): Promise<void> {
    const content = {
      versions: [PROTOCOL_VERSION],
      component,
      client,
      window,
    };
    await this.send(hello.write(FrameType.HELLO, content));
  }

  async prove(
    component: string,
    secretKey: string,
    serverKey: string,
    { nonce, routingId }: { nonce: Buffer; routingId: string },
  ): Promise<void> {
    const own = proveIdentity(secretKey, serverKey, { nonce, routingId: Buffer.from(routingId), component });
    await this.send(proof.write(FrameType.PROOF, { proof: own.toString('hex') }));
  }

  /** Sends one message, whatever its header says. */
  async publish(head: RawHead, body?: string | Uint8Array): Promise<void> {
    await this.send(this.publishFrame(head, body));
  }

  publishFrame(head: RawHead, body: string | Uint8Array = '"raw"'): Buffer {
    const writer = new FrameWriter();
    const run: RunHead = {
      timeMs: 0,
      timeLeftMs: undefined,
      contentType: 'application/json',
      idPrefix: 'raw-',
      traceparent: undefined,
      replyto: undefined,
      ...head,
    };
    writer.beginRun(run, run);
    writer.message(1, body);
    this.#number += 1;
    return writer.finish(FrameType.PUBLISH, this.#number);
  }

  /** Publishes as a member does; whether it was taken. */
  async tryPublish(head: RawHead, timeoutMs = 3_000): Promise<'taken' | 'refused' | 'silence'> {
    await this.publish(head);
    const answer = await this.next([FrameType.ACK, FrameType.REFUSED, FrameType.BYE], timeoutMs);
    if (answer === undefined) return 'silence';
    if (answer[0] === FrameType.ACK) return 'taken';
    // A refused run's frame is acknowledged, too.
    if (refused.read(answer) !== undefined) await this.next([FrameType.ACK], timeoutMs);
    return 'refused';
  }

  async trySubscribe(
    id: number,
    pattern: string,
    timeoutMs = 3_000,
  ): Promise<'taken' | 'refused' | 'silence'> {
    const content = { id, pattern, limit: 16, overflow: 'drop-oldest' } as const;
    await this.send(subscribe.write(FrameType.SUBSCRIBE, content));
    const answer = await this.next([FrameType.SUBSCRIBED, FrameType.BYE], timeoutMs);
    if (answer === undefined) return 'silence';
    return subscribed.read(answer)?.code === undefined && bye.read(answer) === undefined
      ? 'taken'
      : 'refused';
  }

  /** Publishes, and says with which code it was refused; `undefined` when it was taken. */
  async refusalOf(head: RawHead, body?: string | Uint8Array): Promise<string | undefined> {
    await this.publish(head, body);
    const answer = await this.next([FrameType.ACK, FrameType.REFUSED, FrameType.BYE], 3_000);
    if (answer === undefined) return 'silence';
    if (answer[0] === FrameType.ACK) return undefined;
    const code = refused.read(answer)?.code ?? bye.read(answer)?.code;
    // The frame of a refused run is confirmed, too.
    if (answer[0] === FrameType.REFUSED) await this.next([FrameType.ACK], 3_000);
    return code;
  }

  /** The first message of the next DELIVER frame, which is confirmed. */
  async nextMessage(timeoutMs = 3_000): Promise<RawMessage | undefined> {
    const frame = await this.next([FrameType.DELIVER], timeoutMs);
    if (frame === undefined) return undefined;
    await this.send(writeAck([frame.readUInt32BE(1)]));
    const run = readRun(frame, 9);
    const head = run === undefined ? undefined : readRunHead(run);
    if (run === undefined || head === undefined) return undefined;
    const length = frame.readUInt32BE(run.messages + 6);
    const body = frame.toString(
      'utf8',
      run.messages + MESSAGE_OVERHEAD,
      run.messages + MESSAGE_OVERHEAD + length,
    );
    return { subscription: frame.readUInt32BE(5), head, body };
  }

  /** All messages of the next DELIVER frame, which is confirmed. */
  async nextMessages(timeoutMs: number): Promise<readonly RawMessage[]> {
    const frame = await this.next([FrameType.DELIVER], timeoutMs);
    if (frame === undefined) return [];
    await this.send(writeAck([frame.readUInt32BE(1)]));
    const messages: RawMessage[] = [];
    for (let at = 5; at < frame.length; ) {
      const run = readRun(frame, at + 4);
      const head = run === undefined ? undefined : readRunHead(run);
      if (run === undefined || head === undefined) break;
      for (let message = run.messages; message < run.end; ) {
        const body = message + MESSAGE_OVERHEAD;
        const end = body + frame.readUInt32BE(message + 6);
        messages.push({
          subscription: frame.readUInt32BE(at),
          head,
          body: frame.toString('utf8', body, end),
        });
        message = end;
      }
      at = run.end;
    }
    return messages;
  }

  close(): void {
    this.socket.close();
  }

  async #receive(): Promise<void> {
    try {
      for await (const [frame] of this.socket) {
        if (frame === undefined) continue;
        this.frames.push(frame);
        this.#woken.resolve();
        this.#woken = Promise.withResolvers();
      }
    } catch {
      // The socket was closed under it.
    }
  }
}
