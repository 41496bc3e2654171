import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accept, bodyOf, createServer, openChannel, received } from '../../../test/fixtures/channel.ts';
import { ChannelHandshakeError, ChannelRefusedError, ChannelServerKeyChangedError } from '../errors.ts';
import { fingerprint } from '../pairing/fingerprint.ts';
import { generateKeyPair } from '../suites/crypto-suite.ts';
import { nobleSuite } from '../suites/noble-suite.ts';
import { sodiumSuite as suite } from '../suites/sodium-suite.ts';
import { ChannelInitiator } from './initiator.ts';
import { ChannelResponder } from './responder.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const hello = new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n');

test('a paired device opens a channel; both sides agree on the session id and on their keys', () => {
  const server = createServer(suite);
  const channel = openChannel(suite, server);
  assert.deepEqual(channel.client.sessionId, channel.server.sessionId);
  assert.deepEqual(channel.server.peerKey, server.credentials.deviceKey.publicKey);
  assert.deepEqual(channel.client.peerKey, server.credentials.serverKey);
  assert.equal(channel.server.isConfirmed, false);
  assert.equal(text(received(channel.server, channel.client.seal(hello))), text(hello));
  assert.equal(channel.server.isConfirmed, true);
  assert.equal(text(received(channel.client, channel.server.seal(hello))), text(hello));
});

test('a device in a browser and a server on Node understand each other', () => {
  const server = createServer(suite);
  const initiator = new ChannelInitiator(nobleSuite, server.credentials);
  const { reply, session } = accept(server, initiator.message);
  const client = initiator.receive(bodyOf(reply));
  assert.equal(text(received(session, client.seal(hello))), text(hello));
  assert.equal(text(received(client, session.seal(hello))), text(hello));
});

test('a changed server key throws an error with both keys', () => {
  const { credentials } = createServer(suite);
  const other = createServer(suite);
  const initiator = new ChannelInitiator(suite, credentials);
  assert.throws(() => other.responder.open(bodyOf(initiator.message)), ChannelHandshakeError);
  assert.throws(
    () => initiator.receive(bodyOf(other.responder.refusal)),
    (error: unknown) => {
      assert.ok(error instanceof ChannelServerKeyChangedError);
      assert.equal(error.pinned, fingerprint(suite, credentials.serverKey));
      assert.equal(error.offered, fingerprint(suite, other.credentials.serverKey));
      return true;
    },
  );
  assert.throws(() => initiator.receive(new Uint8Array(48)), ChannelHandshakeError, 'there is no way on');
});

test('a refusal by the pinned server throws ChannelRefusedError', () => {
  const { responder, credentials } = createServer(suite);
  const initiator = new ChannelInitiator(suite, credentials);
  assert.throws(() => initiator.receive(bodyOf(responder.refusal)), ChannelRefusedError);
});

test('another instance with the same key refuses the first message', () => {
  const staticKey = generateKeyPair(suite);
  const { credentials } = createServer(suite);
  const initiator = new ChannelInitiator(suite, { ...credentials, serverKey: staticKey.publicKey });
  const responder = new ChannelResponder({ suite, staticKey, instance: suite.random(16) });
  assert.throws(() => responder.open(bodyOf(initiator.message)), { fault: 'does not authenticate' });
});

test('a server with another pre-shared key for the device is not accepted', () => {
  const server = createServer(suite);
  const initiator = new ChannelInitiator(suite, { ...server.credentials, psk: suite.random(32) });
  const { reply } = accept(server, initiator.message);
  assert.throws(() => initiator.receive(bodyOf(reply)), { fault: 'does not authenticate' });
});

test('a first message of another version, length or kind is refused before anything is computed', () => {
  const server = createServer(suite);
  const { message } = new ChannelInitiator(suite, server.credentials);
  let computed = 0;
  const counting = {
    ...suite,
    dh: (a: Uint8Array, b: Uint8Array) => {
      computed += 1;
      return suite.dh(a, b);
    },
  };
  const responder = new ChannelResponder({
    suite: counting,
    staticKey: generateKeyPair(suite),
    instance: server.credentials.instance,
  });
  const altered = (index: number, value: number): Uint8Array => bodyOf(message).fill(value, index, index + 1);
  assert.throws(() => responder.open(altered(4, 2)), { fault: 'unsupported version' });
  for (const body of [
    altered(0, 0),
    altered(5, 3),
    altered(5, 2),
    bodyOf(message).slice(1),
    new Uint8Array(0),
  ])
    assert.throws(() => responder.open(body), { fault: 'malformed' });
  assert.throws(() => responder.open(Uint8Array.of(...bodyOf(message), 0)), { fault: 'malformed' });
  assert.equal(computed, 0);
});

test('keys of low order are refused, with both suites', () => {
  const server = createServer(suite);
  const body = bodyOf(new ChannelInitiator(suite, server.credentials).message);
  body.fill(0, 6, 38);
  for (const each of [suite, nobleSuite]) {
    const responder = new ChannelResponder({
      suite: each,
      staticKey: generateKeyPair(suite),
      instance: server.credentials.instance,
    });
    assert.throws(() => responder.open(body), { fault: 'does not authenticate' });
  }
});

test('a first message is accepted once per opening, and the keys of two answers differ', () => {
  const server = createServer(suite);
  const { message } = new ChannelInitiator(suite, server.credentials);
  const opening = server.responder.open(bodyOf(message));
  assert.ok(opening.kind === 'known');
  const { session } = opening.accept(server.credentials.psk);
  assert.throws(() => opening.accept(server.credentials.psk), { fault: 'out of turn' });
  const again = accept(server, message).session;
  assert.notDeepEqual(again.sessionId, session.sessionId);
});
