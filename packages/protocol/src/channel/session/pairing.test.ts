import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyOf, createServer, openPairing, received } from '../../../test/fixtures/channel.ts';
import { ChannelRefusedError, ChannelTruncatedError } from '../errors.ts';
import { PairingBook } from '../pairing/pairing-book.ts';
import { createPairingCode, parsePairingCode } from '../pairing/pairing-code.ts';
import { generateKeyPair } from '../suites/crypto-suite.ts';
import { nobleSuite } from '../suites/noble-suite.ts';
import { sodiumSuite as suite } from '../suites/sodium-suite.ts';
import { ChannelInitiator, PairingInitiator } from './initiator.ts';

const request = { name: 'Anna’s phone "7"', roles: ['reader', 'writer'] };

test('a new device pairs with a typed code, and its credentials open a channel', () => {
  const server = createServer(suite);
  const book = new PairingBook<{ roles: readonly string[] }>({ suite, now: () => 0 });
  const shown = book.issue({ roles: ['reader'] }).text;

  const typed = parsePairingCode(nobleSuite, shown.toLowerCase().replaceAll('-', ' '));
  const deviceKey = generateKeyPair(nobleSuite);
  const device = new PairingInitiator(nobleSuite, deviceKey, typed, request);
  const opening = openPairing(server, device.message);
  assert.ok(book.has(opening.codeId));
  const third = device.receive(bodyOf(opening.reply()));
  const asked = opening.receive(bodyOf(third), book.attempt(opening.codeId) ?? new Uint8Array(32));
  assert.deepEqual(asked.request, request);
  assert.deepEqual(asked.deviceKey, deviceKey.publicKey);
  const completed = book.complete(opening.codeId);
  assert.deepEqual(completed, { context: { roles: ['reader'] } });
  assert.equal(book.complete(opening.codeId), undefined, 'a code is used once');

  const { message, psk } = asked.grant({ deviceId: 'd1', name: request.name, roles: ['reader'] });
  assert.equal(device.receiveGrant(message.slice(0, 40)), undefined);
  const paired = device.receiveGrant(message.slice(40));
  assert.ok(paired);
  assert.deepEqual(paired.grant, { deviceId: 'd1', name: request.name, roles: ['reader'], psk });
  assert.equal(received(asked.session, paired.acknowledgement()).byteLength, 0);
  assert.ok(asked.session.peerEnded, 'the end says that the device kept it');
  const end = asked.session.end();
  assert.equal(paired.receiveEnd(end.slice(0, 3)), false);
  assert.equal(paired.receiveEnd(end.slice(3)), true);

  const initiator = new ChannelInitiator(nobleSuite, paired.credentials);
  const known = server.responder.open(bodyOf(initiator.message));
  assert.ok(known.kind === 'known');
  assert.deepEqual(known.deviceKey, deviceKey.publicKey);
  const { reply, session } = known.accept(psk);
  const channel = initiator.receive(bodyOf(reply));
  assert.deepEqual(channel.sessionId, session.sessionId);
});

test('the server detects a wrong code, and a false server learns nothing of the request', () => {
  const server = createServer(suite);
  const device = new PairingInitiator(suite, generateKeyPair(suite), createPairingCode(suite), request);
  const opening = openPairing(server, device.message);
  const third = device.receive(bodyOf(opening.reply()));
  assert.throws(() => opening.receive(bodyOf(third), createPairingCode(suite).psk), {
    fault: 'does not authenticate',
  });
  assert.ok(!Buffer.from(third).includes('phone'));
});

test('a device accepts no credentials from a server that does not know the code', () => {
  const server = createServer(suite);
  const code = createPairingCode(suite);
  const device = new PairingInitiator(suite, generateKeyPair(suite), code, request);
  const opening = openPairing(server, device.message);
  device.receive(bodyOf(opening.reply()));
  // It can only seal with keys that it guessed.
  assert.throws(() => device.receiveGrant(Uint8Array.of(0, 80, ...suite.random(80))), {
    code: 'AICO_CHANNEL_RECORD',
  });
  assert.throws(() => device.receiveGrant(new Uint8Array(0)), { fault: 'out of turn' });
});

test('a pairing is refused in the same way at every step', () => {
  const server = createServer(suite);
  const create = (): PairingInitiator =>
    new PairingInitiator(suite, generateKeyPair(suite), createPairingCode(suite), request);
  assert.throws(() => create().receive(bodyOf(server.responder.refusal)), ChannelRefusedError);
  const device = create();
  device.receive(bodyOf(openPairing(server, device.message).reply()));
  assert.throws(() => device.receiveGrant(server.responder.refusal.slice()), ChannelRefusedError);
});

test('an end record instead of a grant is an error', () => {
  const server = createServer(suite);
  const code = createPairingCode(suite);
  const device = new PairingInitiator(suite, generateKeyPair(suite), code, request);
  const opening = openPairing(server, device.message);
  const asked = opening.receive(bodyOf(device.receive(bodyOf(opening.reply()))), code.psk);
  assert.throws(() => device.receiveGrant(asked.session.end()), ChannelTruncatedError);
});

test('a name or role that would be misleading in a list or log is refused on both sides', () => {
  const key = generateKeyPair(suite);
  const code = createPairingCode(suite);
  for (const name of ['', '  ', 'a\nb', 'a\u202eb', 'x'.repeat(65)])
    assert.throws(() => new PairingInitiator(suite, key, code, { name, roles: [] }), RangeError);
  for (const roles of [['Admin'], ['a b'], Array.from({ length: 17 }, () => 'r')])
    assert.throws(() => new PairingInitiator(suite, key, code, { name: 'x', roles }), RangeError);
});
