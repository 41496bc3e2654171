/** Computes the worked example of docs/sealed-channel.md: `node packages/protocol/test/sealed-channel-example.ts --write`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  ChannelInitiator,
  ChannelResponder,
  type ChannelSession,
  type CryptoSuite,
  createPairingCode,
  fingerprint,
  type KeyPair,
  type Paired,
  PairingInitiator,
} from '@aico/protocol/channel';
import { sodiumSuite } from '@aico/protocol/channel/node';
import { encodeGrant, encodeRequest } from '../src/channel/pairing/enrolment.ts';
import { prologue } from '../src/channel/session/opening.ts';

const DOCUMENT = fileURLToPath(new URL('../../../docs/sealed-channel.md', import.meta.url));
const BLOCK = /(<!-- worked example -->\n```text\n)[\s\S]*?(```\n)/;

const filled = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte);

/** A suite that returns these random bytes, in order. */
function fixed(suite: CryptoSuite, ...draws: readonly Uint8Array[]): CryptoSuite {
  const left = [...draws];
  return { ...suite, random: () => left.shift() ?? new Uint8Array(0) };
}

/** A suite that records the last keys set: after a handshake, those of the two directions. */
function watched(suite: CryptoSuite, keys: string[]): CryptoSuite {
  return {
    ...suite,
    aead: (key) => {
      keys.push(hex(key));
      return suite.aead(key);
    },
  };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function entry(name: string, value: string): string {
  const lines = value.match(/.{1,96}/g) ?? [''];
  return `${name}\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

/** The text of the example, computed with `suite`. */
export function workedExample(suite: CryptoSuite): string {
  const server = suite.keyPair(filled(1));
  const device = suite.keyPair(filled(2));
  const instance = filled(6, 16);
  return [
    entry('server static secret', hex(server.secretKey)),
    entry('server static public', hex(server.publicKey)),
    entry('server fingerprint', fingerprint(suite, server.publicKey)),
    entry('device static secret', hex(device.secretKey)),
    entry('device static public', hex(device.publicKey)),
    entry('instance', hex(instance)),
    '\n--- a paired device\n\n',
    known(suite, server, device, instance),
    '\n--- pairing\n\n',
    pairing(suite, server, device, instance),
  ].join('');
}

function known(suite: CryptoSuite, server: KeyPair, device: KeyPair, instance: Uint8Array): string {
  const keys: string[] = [];
  const psk = filled(5);
  const credentials = { deviceKey: device, serverKey: server.publicKey, instance, psk };
  const initiator = new ChannelInitiator(fixed(watched(suite, keys), filled(3)), credentials);
  const responder = new ChannelResponder({
    suite: fixed(suite, filled(4)),
    staticKey: server,
    instance,
  });
  const opening = responder.open(initiator.message.subarray(2));
  if (opening.kind !== 'known') throw new Error('not a known device');
  const { reply, session } = opening.accept(psk);
  const client = initiator.receive(reply.subarray(2));
  const [toServer = '', toDevice = ''] = keys.slice(-2);
  const text = (words: string): Uint8Array => new TextEncoder().encode(words);
  return [
    entry('pre-shared key', hex(psk)),
    entry('device ephemeral secret', hex(filled(3))),
    entry('server ephemeral secret', hex(filled(4))),
    entry('prologue', hex(prologue({ kind: 'known' }, instance))),
    entry('first message, with its length', hex(initiator.message)),
    entry('second message, with its length', hex(reply)),
    entry('handshake hash', hex(client.sessionId)),
    entry('key, device to server', toServer),
    entry('key, server to device', toDevice),
    entry('device: data "hello"', hex(client.seal(text('hello')))),
    entry('server: data "world"', hex(session.seal(text('world')))),
    entry('device: renew', hex(client.renew())),
    entry('key, device to server, renewed', keys.at(-1) ?? ''),
    entry('device: data "again", under the renewed key', hex(client.seal(text('again')))),
    entry('device: end', hex(client.end())),
    entry('refusal', hex(responder.refusal)),
  ].join('');
}

function pairing(suite: CryptoSuite, server: KeyPair, device: KeyPair, instance: Uint8Array): string {
  const drawn = Uint8Array.from({ length: 20 }, (_, index) => index * 11 + 3);
  const code = createPairingCode(fixed(suite, drawn, Uint8Array.of(10, 20, 30)));
  const request = { name: 'Example', roles: ['reader'] };
  const initiator = new PairingInitiator(fixed(suite, filled(7)), device, code, request);
  const responder = new ChannelResponder({
    suite: fixed(suite, filled(8), filled(9)),
    staticKey: server,
    instance,
  });
  const opening = responder.open(initiator.message.subarray(2));
  if (opening.kind !== 'pairing') throw new Error('not a pairing');
  const reply = opening.reply();
  const third = initiator.receive(reply.subarray(2));
  const asked = opening.receive(third.subarray(2), code.psk);
  const granted = { deviceId: 'device-1', name: 'Example', roles: ['reader'] };
  const { message, psk } = asked.grant(granted);
  const session: ChannelSession = asked.session;
  const sent = hex(message);
  const paired = initiator.receiveGrant(message);
  const payload = Buffer.from(encodeRequest(request));
  return [
    entry('code', code.text),
    entry('id', String(code.id)),
    entry('pre-shared key', hex(code.psk)),
    entry('device ephemeral secret', hex(filled(7))),
    entry('server ephemeral secret', hex(filled(8))),
    entry('prologue', hex(prologue({ kind: 'pairing', codeId: code.id }, instance))),
    entry('first message, with its length', hex(initiator.message)),
    entry('second message, with its length', hex(reply)),
    entry(
      'request: its length, then JSON, then zeros to 1024 bytes',
      `${hex(payload.subarray(0, 2))} ${jsonIn(payload)}`,
    ),
    entry('third message, with its length: the first 98 of its 1090 bytes', hex(third.subarray(0, 98))),
    entry('SHA-256 of the whole third message', hex(suite.hash(third))),
    entry('handshake hash', hex(session.sessionId)),
    entry('pre-shared key that is granted', hex(paired?.credentials.psk ?? new Uint8Array(0))),
    entry('the grant, JSON', Buffer.from(encodeGrant({ ...granted, psk }, instance)).toString()),
    entry('server: the grant', sent),
    entry('device: end', acknowledgement(paired, session)),
    entry("server: end, which says that it has the device's", hex(session.end())),
  ].join('');
}

function jsonIn(payload: Buffer): string {
  return payload.subarray(2, 2 + payload.readUInt16BE(0)).toString();
}

/** The device's end record, received by the server. */
function acknowledgement(paired: Paired | undefined, server: ChannelSession): string {
  const end = paired?.acknowledgement() ?? new Uint8Array(0);
  const text = hex(end);
  server.push(end, () => undefined);
  return text;
}

/** Returns the document with this example. */
export function withExample(document: string, example: string): string {
  return document.replace(BLOCK, (_all, before: string, after: string) => before + example + after);
}

export function readDocument(): string {
  return readFileSync(DOCUMENT, 'utf8');
}

// Tests import this file; run directly, it writes the document.
if (import.meta.main && process.argv.includes('--write')) {
  writeFileSync(DOCUMENT, withExample(readDocument(), workedExample(sodiumSuite)));
}
