import { randomBytes } from 'node:crypto';
import {
  challenge,
  FrameType,
  type Hello,
  hello,
  PROTOCOL_VERSION,
  proof,
} from '@aico/shared/core/bus/frames';
import { type CurveKeyPair, isSameProof, proveIdentity } from '@aico/shared/core/bus/zeromq';
import { BoundedCache } from '@aico/shared/core/tasks';
import { PENDING_HANDSHAKES } from './limits.ts';

interface Pending {
  readonly hello: Hello;
  readonly nonce: Buffer;
}

export type Verdict =
  | { readonly name: 'challenge'; readonly frame: Buffer }
  | { readonly name: 'proven'; readonly hello: Hello }
  | { readonly name: 'refused'; readonly component: string | undefined; readonly why: string };

/**
 * The two steps that authenticate a connection: it names a component, gets a nonce, and returns a proof that only the holder of
 * that component's secret key can compute (see `proveIdentity`).
 */
export class Handshakes {
  readonly #keys: CurveKeyPair;
  readonly #publicKeyOf: (component: string) => string | undefined;
  readonly #pending = new BoundedCache<string, Pending>(PENDING_HANDSHAKES);

  constructor(keys: CurveKeyPair, publicKeyOf: (component: string) => string | undefined) {
    this.#keys = keys;
    this.#publicKeyOf = publicKeyOf;
  }

  begin(connection: string, frame: Buffer): Verdict {
    const content = hello.read(frame);
    if (content === undefined) return refusal(undefined, 'a malformed HELLO');
    if (!content.versions.includes(PROTOCOL_VERSION))
      return refusal(content.component, `none of its versions ${content.versions.join(', ')} is spoken here`);
    const nonce = randomBytes(32);
    this.#pending.set(connection, { hello: content, nonce });
    const answer = { version: PROTOCOL_VERSION, nonce: nonce.toString('hex') };
    return { name: 'challenge', frame: challenge.write(FrameType.CHALLENGE, answer) };
  }

  finish(connection: string, routingId: Buffer, frame: Buffer): Verdict {
    const pending = this.#pending.get(connection);
    this.#pending.delete(connection);
    const content = proof.read(frame);
    if (pending === undefined || content === undefined) return refusal(undefined, 'a PROOF out of turn');
    const { component } = pending.hello;
    const publicKey = this.#publicKeyOf(component);
    if (publicKey === undefined) return refusal(component, 'there is no such component');
    const expected = proveIdentity(this.#keys.secretKey, publicKey, {
      nonce: pending.nonce,
      routingId,
      component,
    });
    if (!isSameProof(Buffer.from(content.proof, 'hex'), expected))
      return refusal(component, 'it does not hold the key of that component');
    return { name: 'proven', hello: pending.hello };
  }
}

function refusal(component: string | undefined, why: string): Verdict {
  return { name: 'refused', component, why };
}
