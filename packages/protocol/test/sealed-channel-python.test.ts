/** Runs a client in another language, written from docs/sealed-channel.md alone, against this responder. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Multiplexer, PREFACE, SealedStream } from '@aico/protocol/carrier';
import {
  ChannelResponder,
  type ChannelSession,
  createPairingCode,
  FrameReader,
  generateKeyPair,
} from '@aico/protocol/channel';
import { sodiumSuite as suite } from '@aico/protocol/channel/node';

const script = fileURLToPath(new URL('./sealed_channel_client.py', import.meta.url));
const missing =
  spawnSync('python3', ['-c', 'import cryptography.hazmat.primitives.ciphers.aead']).status !== 0 &&
  'python3 with the package cryptography is not installed';

const responder = new ChannelResponder({
  suite,
  staticKey: generateKeyPair(suite),
  instance: suite.random(16),
});

/** Runs the client and answers its frames one by one. Resolves with its stderr. */
async function run(
  args: readonly string[],
  answer: (frame: Uint8Array) => readonly Uint8Array[],
): Promise<string> {
  const client = spawn('python3', [script, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const frames = new FrameReader();
  let said = '';
  client.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  // The exit code of the client shows whether it read everything.
  client.stdin.on('error', () => undefined);
  client.stdout.on('data', (chunk: Buffer) => {
    for (let frame = frames.read(chunk, 0); frame; frame = frames.read(chunk, frames.position))
      for (const bytes of answer(frame)) client.stdin.write(bytes);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    client.on('error', reject);
    client.on('close', resolve);
  });
  assert.equal(code, 0, said);
  return said;
}

/** The first frame of `carrier`, without its length; later bytes are put back. */
async function nextFrame(carrier: Duplex): Promise<Uint8Array> {
  const frames = new FrameReader();
  for (;;) {
    const chunk = await nextChunk(carrier);
    const frame = frames.read(chunk, 0);
    if (frame === undefined) continue;
    const rest = chunk.subarray(frames.position);
    if (rest.byteLength > 0) carrier.unshift(rest);
    return frame.slice();
  }
}

/** Resolves with the next chunk, and leaves later chunks unread. */
async function nextChunk(stream: Duplex): Promise<Buffer> {
  for (;;) {
    const chunk: unknown = stream.read();
    if (chunk instanceof Buffer) return chunk;
    await once(stream, 'readable');
  }
}

/** The frame with its length, for a session that reads a stream. */
function framed(body: Uint8Array): Uint8Array {
  return Uint8Array.of(body.byteLength >>> 8, body.byteLength & 0xff, ...body);
}

test('a client in Python, written from the document alone, pairs, exchanges data and is refused', {
  skip: missing,
}, async () => {
  const code = createPairingCode(suite);
  let psk = new Uint8Array(32);
  let acknowledged = false;
  const credentials = await run(['pair', code.text.toLowerCase()], pairing());
  assert.ok(acknowledged, 'its end came');

  const sizes: number[] = [];
  assert.equal(await run(['talk', credentials], known(sizes)), 'talked');
  assert.deepEqual(sizes, [1, 61, 62, 125, 1021, 1022, 5000, 65516, 3, 900]);
  assert.equal(await run(['meddle', credentials], known([])), 'refused');
  await several(credentials);

  async function several(kept: string): Promise<void> {
    const client = spawn('python3', [script, 'several', kept], { stdio: ['pipe', 'pipe', 'pipe'] });
    const carrier = Duplex.from({ readable: client.stdout, writable: client.stdin });
    const said = text(client.stderr);
    const exited = once(client, 'close');
    const opening = responder.open(await nextFrame(carrier));
    assert.ok(opening.kind === 'known');
    const { reply, session } = opening.accept(psk);
    carrier.write(reply);
    const channel = new SealedStream(carrier, session);
    const first = await nextChunk(channel);
    assert.equal(first[0], PREFACE);
    if (first.byteLength > 1) channel.unshift(first.subarray(1));
    const broken: unknown[] = [];
    Multiplexer.accept(channel, {
      maxStreams: 8,
      opensPerSecond: 100,
      onStream: (stream) =>
        stream.on('error', ({ code }: NodeJS.ErrnoException) => broken.push(code)).pipe(stream),
    });
    assert.deepEqual(await exited, [0, null], await said);
    assert.equal(await said, 'several');
    assert.deepEqual(broken, ['AICO_CHANNEL_TRUNCATED']);
  }

  function pairing(): (frame: Uint8Array) => readonly Uint8Array[] {
    let opening: ReturnType<ChannelResponder['open']> | undefined;
    let session: ChannelSession | undefined;
    return (frame) => {
      if (session !== undefined) {
        session.push(framed(frame), () => assert.fail('nothing but the end'));
        acknowledged = session.peerEnded;
        return [session.end()];
      }
      if (opening === undefined) {
        opening = responder.open(frame);
        assert.ok(opening.kind === 'pairing' && opening.codeId === code.id);
        return [opening.reply()];
      }
      assert.ok(opening.kind === 'pairing');
      const asked = opening.receive(frame, code.psk);
      assert.deepEqual(asked.request, { name: 'a Python script', roles: ['reader'] });
      session = asked.session;
      const granted = asked.grant({ deviceId: 'py', ...asked.request });
      psk = new Uint8Array(granted.psk);
      return [granted.message];
    };
  }

  /** Echoes every content, and renews its own key after the client has renewed its. */
  function known(seen: number[]): (frame: Uint8Array) => readonly Uint8Array[] {
    let session: ChannelSession | undefined;
    let opened = 0;
    return (frame) => {
      if (session === undefined) {
        const opening = responder.open(frame);
        assert.ok(opening.kind === 'known');
        const accepted = opening.accept(psk);
        session = accepted.session;
        return [accepted.reply];
      }
      const channel = session;
      const replies: Uint8Array[] = [];
      try {
        channel.push(framed(frame), (content) => {
          seen.push(content.byteLength);
          replies.push(channel.seal(content));
        });
      } catch {
        return [channel.refusal];
      }
      opened += 1;
      if (channel.peerEnded) return [channel.end()];
      // The first record is idle; a later record without content was a renewal.
      return replies.length === 0 && opened > 1 ? [channel.renew()] : replies;
    };
  }
});
