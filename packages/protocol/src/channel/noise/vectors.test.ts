import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { CryptoSuite } from '../suites/crypto-suite.ts';
import { nobleSuite } from '../suites/noble-suite.ts';
import { sodiumSuite } from '../suites/sodium-suite.ts';
import { HandshakeState } from './handshake-state.ts';
import { IK_PSK2, XX_PSK3 } from './patterns.ts';

const Vector = Type.Object({
  protocol_name: Type.String(),
  init_prologue: Type.String(),
  resp_prologue: Type.String(),
  init_ephemeral: Type.String(),
  resp_ephemeral: Type.String(),
  init_static: Type.String(),
  resp_static: Type.String(),
  init_remote_static: Type.Optional(Type.String()),
  init_psks: Type.Array(Type.String()),
  resp_psks: Type.Array(Type.String()),
  handshake_hash: Type.String(),
  messages: Type.Array(Type.Object({ payload: Type.String(), ciphertext: Type.String() })),
});
const { vectors } = Compile(Type.Object({ vectors: Type.Array(Vector) })).Parse(
  JSON.parse(readFileSync(new URL('./vectors.json', import.meta.url), 'utf8')),
);

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
const hex = (data: Uint8Array | undefined): string => Buffer.from(data ?? []).toString('hex');

for (const [initiatorSuite, responderSuite] of [
  [sodiumSuite, sodiumSuite],
  [nobleSuite, nobleSuite],
  [nobleSuite, sodiumSuite],
] as const) {
  for (const vector of vectors) {
    test(`${vector.protocol_name}: published messages, ${initiatorSuite.backend} to ${responderSuite.backend}`, () => {
      const pattern = vector.protocol_name.includes('IKpsk2') ? IK_PSK2 : XX_PSK3;
      const side = (suite: CryptoSuite, role: 'initiator' | 'responder'): HandshakeState => {
        const prefix = role === 'initiator' ? 'init' : 'resp';
        const state = new HandshakeState({
          // The vectors fix the random keys.
          suite: { ...suite, random: () => bytes(vector[`${prefix}_ephemeral`]) },
          pattern,
          role,
          prologue: bytes(vector[`${prefix}_prologue`]),
          staticKey: suite.keyPair(bytes(vector[`${prefix}_static`])),
          remoteStatic:
            role === 'initiator' && vector.init_remote_static !== undefined
              ? bytes(vector.init_remote_static)
              : undefined,
        });
        state.setPsk(bytes(vector[`${prefix}_psks`][0] ?? ''));
        return state;
      };
      const initiator = side(initiatorSuite, 'initiator');
      const responder = side(responderSuite, 'responder');
      const rest = [...vector.messages];
      let [writer, reader] = [initiator, responder];
      while (!initiator.isFinished) {
        const expected = rest.shift();
        assert.ok(expected);
        const message = writer.writeMessage(bytes(expected.payload));
        assert.equal(hex(message), expected.ciphertext);
        assert.equal(hex(reader.readMessage(message)), expected.payload);
        [writer, reader] = [reader, writer];
      }
      const [ours, theirs] = [initiator.split(), responder.split()];
      assert.equal(hex(ours.handshakeHash), vector.handshake_hash);
      assert.equal(hex(theirs.handshakeHash), vector.handshake_hash);
      // The sides alternate in the vectors: the receiver of the last handshake message sends first.
      let initiatorSends = pattern.messages.length % 2 === 0;
      assert.ok(rest.length >= 2, 'the vector has messages after the handshake');
      for (const { payload, ciphertext } of rest) {
        const [sender, receiver] = initiatorSends ? [ours, theirs] : [theirs, ours];
        const sealed = new Uint8Array(bytes(payload).byteLength + 16);
        sender.send.seal(undefined, bytes(payload), sealed);
        assert.equal(hex(sealed), ciphertext);
        const opened = new Uint8Array(sealed.byteLength - 16);
        assert.ok(receiver.receive.open(undefined, sealed, opened));
        assert.equal(hex(opened), payload);
        initiatorSends = !initiatorSends;
      }
    });
  }
}
