/**
 * The comparison by which the cipher suite of the sealed channel was chosen: `node benchmarks/channel-suites.ts`. Every candidate
 * seals and opens records of each size in turn, round by round. The output has medians in microseconds of one thread, and ratios
 * to the chosen suite. @noble runs under Node here, not in a browser.
 */
import {
  type CipherGCMTypes,
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
} from 'node:crypto';
import {
  ChannelInitiator,
  ChannelResponder,
  type CryptoSuite,
  generateKeyPair,
} from '@aico/protocol/channel';
import { nobleSuite } from '@aico/protocol/channel/noble';
import { sodiumSuite } from '@aico/protocol/channel/node';
import { gcm } from '@noble/ciphers/aes.js';
import { blake2s } from '@noble/hashes/blake2.js';
import { spread } from './benchmark.ts';

const ROUNDS = 9;
const ROUND_MS = 12;
const SIZES = [64, 256, 1024, 4096, 16_384, 65_519];

type Work = () => void;

/** Microseconds per call of each candidate, measured in turn for several rounds. The first round does not count. */
function measure(works: Readonly<Record<string, Work>>): Readonly<Record<string, number>> {
  const times = new Map<string, number[]>();
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [name, work] of Object.entries(works)) {
      let calls = 0;
      const start = performance.now();
      let elapsed = 0;
      while (elapsed < ROUND_MS) {
        for (let n = 0; n < 4; n += 1) work();
        calls += 4;
        elapsed = performance.now() - start;
      }
      if (round > 0) times.set(name, [...(times.get(name) ?? []), (elapsed * 1000) / calls]);
    }
  }
  return Object.fromEntries([...times].map(([name, values]) => [name, spread(values).median]));
}

/** Prints the medians, and their ratios to the first row. */
function print(title: string, rows: Readonly<Record<string, number>>): void {
  const [base = 1] = Object.values(rows);
  process.stdout.write(`\n${title}\n`);
  for (const [name, value] of Object.entries(rows))
    process.stdout.write(
      `  ${name.padEnd(44)} ${value.toFixed(2).padStart(10)} us  x ${(value / base).toFixed(2)}\n`,
    );
}

function bySuite(suite: CryptoSuite, size: number): Work {
  const aead = suite.aead(suite.random(32));
  const sealed = new Uint8Array(size + 16);
  const plain = sealed.subarray(0, size);
  return () => {
    aead.seal(1, undefined, plain, sealed);
    aead.open(1, undefined, sealed, plain);
  };
}

function byNode(algorithm: 'chacha20-poly1305' | 'aes-256-gcm', size: number): Work {
  const key = sodiumSuite.random(32);
  const nonce = sodiumSuite.random(12);
  const plain = new Uint8Array(size);
  // The types have an overload for each cipher, though OpenSSL treats both alike.
  const options = { authTagLength: 16 };
  return () => {
    const cipher = createCipheriv(algorithm as CipherGCMTypes, key, nonce, options);
    const sealed = cipher.update(plain);
    cipher.final();
    const decipher = createDecipheriv(algorithm as CipherGCMTypes, key, nonce, options);
    decipher.setAuthTag(cipher.getAuthTag());
    decipher.update(sealed);
    decipher.final();
  };
}

function gcmByNoble(size: number): Work {
  const key = sodiumSuite.random(32);
  const nonce = sodiumSuite.random(12);
  const plain = new Uint8Array(size);
  return () => {
    const sealed = gcm(key, nonce).encrypt(plain);
    gcm(key, nonce).decrypt(sealed);
  };
}

function dhByNode(): Work {
  const { secretKey, publicKey } = generateKeyPair(sodiumSuite);
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), secretKey]);
  const spki = Buffer.concat([Buffer.from('302a300506032b656e032100', 'hex'), publicKey]);
  return () => {
    diffieHellman({
      privateKey: createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }),
      publicKey: createPublicKey({ key: spki, format: 'der', type: 'spki' }),
    });
  };
}

/** A complete IKpsk2 handshake of both sides. */
function handshake(suite: CryptoSuite) {
  const staticKey = generateKeyPair(suite);
  const instance = suite.random(16);
  const psk = suite.random(32);
  const deviceKey = generateKeyPair(suite);
  const responder = new ChannelResponder({ suite, staticKey, instance });
  return () => {
    const initiator = new ChannelInitiator(suite, {
      deviceKey,
      serverKey: staticKey.publicKey,
      instance,
      psk,
    });
    const opening = responder.open(initiator.message.subarray(2));
    if (opening.kind !== 'known') throw new Error('not a known device');
    const { reply, session } = opening.accept(psk);
    return { client: initiator.receive(reply.subarray(2)), server: session };
  };
}

/** From plaintext to plaintext through the channel, with padding, framing and counters. */
function through(suite: CryptoSuite, size: number): Work {
  const { client, server } = handshake(suite)();
  const content = new Uint8Array(size);
  const sink = (): void => undefined;
  return () => server.push(client.seal(content), sink);
}

for (const size of SIZES)
  print(
    `seal and open a record of ${size} bytes`,
    measure({
      'ChaChaPoly, sodium-native (chosen)': bySuite(sodiumSuite, size),
      'ChaChaPoly, node:crypto': byNode('chacha20-poly1305', size),
      'AESGCM, node:crypto': byNode('aes-256-gcm', size),
      'ChaChaPoly, @noble (chosen for browsers)': bySuite(nobleSuite, size),
      'AESGCM, @noble': gcmByNoble(size),
    }),
  );
for (const size of [200, 1_000, 16_000, 60_000])
  print(
    `${size} bytes through the channel, sealed and opened`,
    measure({ 'sodium-native': through(sodiumSuite, size), '@noble': through(nobleSuite, size) }),
  );
const keys = generateKeyPair(sodiumSuite);
print(
  'X25519',
  measure({
    'sodium-native': () => sodiumSuite.dh(keys.secretKey, keys.publicKey),
    'node:crypto': dhByNode(),
    '@noble': () => nobleSuite.dh(keys.secretKey, keys.publicKey),
  }),
);
const block = new Uint8Array(64);
print(
  'hash of 64 bytes',
  measure({
    'SHA-256, sodium-native': () => sodiumSuite.hash(block),
    'SHA-256, node:crypto': () => createHash('sha256').update(block).digest(),
    'BLAKE2s, node:crypto': () => createHash('blake2s256').update(block).digest(),
    'SHA-256, @noble': () => nobleSuite.hash(block),
    'BLAKE2s, @noble': () => blake2s(block),
  }),
);
print(
  'a handshake of a paired device, both sides',
  measure({ 'sodium-native': handshake(sodiumSuite), '@noble': handshake(nobleSuite) }),
);
