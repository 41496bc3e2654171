/**
 * R5: every byte of every handshake message is altered, and a byte of each of 10,000 records. Neither side accepts altered bytes,
 * and the server answers every alteration with the same bytes.
 */
import assert from 'node:assert/strict';
import type { Campaign } from './campaign.ts';
import { bodyOf, ChannelWorld, randomFrom } from './channel-world.ts';

const FULL_COUNT = 10_000;

type Alter = (message: Uint8Array) => Uint8Array;
/** Performs a handshake with one altered message. @returns whether its receiver accepted it */
type Play = (world: ChannelWorld, alter: Alter) => boolean;

/** Checks that the server sent `before` and then its refusal. */
function refusedAlike(world: ChannelWorld, sent: Uint8Array, before: Uint8Array): boolean {
  return Buffer.compare(sent, Buffer.concat([before, world.responder.refusal])) === 0;
}

/** Sends an altered message to the server; the peer closes after it. */
const toServer =
  (messageOf: (world: ChannelWorld, connection: ReturnType<ChannelWorld['connect']>) => Uint8Array): Play =>
  (world, alter) => {
    const connection = world.connect();
    const message = messageOf(world, connection);
    const before = connection.sent;
    connection.push(alter(message));
    connection.finish();
    return !refusedAlike(world, connection.sent, before);
  };

function throws(work: () => void): boolean {
  try {
    work();
    return false;
  } catch {
    return true;
  }
}

const messages: Readonly<Record<string, Play>> = {
  'known device, first': toServer((world) => world.device().message),
  'known device, second': (world, alter) => {
    const connection = world.connect();
    const device = world.device();
    connection.push(device.message);
    return !throws(() => device.receive(bodyOf(alter(connection.sent))));
  },
  'pairing, first': toServer((world) => world.newDevice().message),
  'pairing, second': (world, alter) => {
    const connection = world.connect();
    const device = world.newDevice();
    connection.push(device.message);
    return !throws(() => device.receive(bodyOf(alter(connection.sent))));
  },
  'pairing, third': toServer((world, connection) => {
    const device = world.newDevice();
    connection.push(device.message);
    return device.receive(bodyOf(connection.sent));
  }),
  'pairing, grant': (world, alter) => {
    const connection = world.connect();
    const device = world.newDevice();
    connection.push(device.message);
    const before = connection.sent.byteLength;
    connection.push(device.receive(bodyOf(connection.sent)));
    let paired: unknown;
    return !throws(() => {
      paired = device.receiveGrant(alter(connection.sent.subarray(before)));
      // With a larger length the server waits for bytes until the connection ends.
      assert.notEqual(paired, undefined);
    });
  },
};

export const campaign: Campaign = async ({ count = FULL_COUNT, seed, report }) => {
  const random = randomFrom(seed);
  const world = new ChannelWorld();
  const flip = (message: Uint8Array, at: number): Uint8Array =>
    message.map((byte, index) => (index === at ? byte ^ (1 + random(255)) : byte));
  let failures = 0;
  let handshakeBytes = 0;
  for (const [name, play] of Object.entries(messages)) {
    let length = 0;
    // The unaltered message must be accepted, otherwise the refusals below would prove nothing.
    const measured = play(world, (message) => {
      length = message.byteLength;
      return message.slice();
    });
    if (!measured) {
      failures += 1;
      report(`${name}: refused without an alteration`);
    }
    // In the second message the length of the frame is read by the frame reader and is not part of the handshake.
    for (let at = name.endsWith('second') ? 2 : 0; at < length; at += 1) {
      handshakeBytes += 1;
      if (!play(world, (message) => flip(message, at))) continue;
      failures += 1;
      report(`${name}: byte ${at} was altered, and the message was accepted or got another answer`);
    }
    report(`${name}: ${length} bytes`);
  }
  let delivered = 0;
  for (let run = 1; run <= count; run += 1) {
    const { connection, session } = world.open();
    const before = connection.sent;
    const record = session.seal(new Uint8Array(random(run % 10 === 0 ? 40_000 : 1_200) + 1));
    world.executed.clear();
    connection.push(flip(record, random(record.byteLength)));
    connection.finish();
    delivered += world.executed.size;
    if (world.executed.size > 0 || !refusedAlike(world, connection.sent, before)) {
      failures += 1;
      report(`record ${run} of ${record.byteLength} bytes was accepted or got another answer`);
    }
    if (run % 2_000 === 0) report(`${run} records, ${failures} failures`);
  }
  return { runs: count, failures, ok: failures === 0, handshakeBytes, delivered };
};
