import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { generateKeyPair } from './crypto-suite.ts';
import { nobleSuite } from './noble-suite.ts';
import { sodiumSuite } from './sodium-suite.ts';

const suites = [sodiumSuite, nobleSuite];
const random = sodiumSuite.random;

for (const suite of suites) {
  test(`${suite.backend}: hash and HMAC equal those of node:crypto, at every length around a block`, () => {
    for (const length of [0, 1, 32, 63, 64, 65, 200]) {
      const [key, data] = [random(length), random(length + 1)];
      const expected = createHmac('sha256', key).update(data).digest();
      assert.deepEqual(Buffer.from(suite.hmac(key, data)), expected);
      assert.deepEqual(
        Buffer.from(suite.hash(key, data)),
        createHash('sha256').update(key).update(data).digest(),
      );
    }
  });

  test(`${suite.backend}: seals in place or into another array alike, and opens the output of the other suite`, () => {
    const key = random(32);
    for (const other of suites) {
      for (const nonce of [0, 1, 2 ** 32 + 5, 2 ** 53 - 1, 2n ** 64n - 1n]) {
        const plaintext = random(300);
        const ad = random(7);
        const sealed = new Uint8Array(316);
        sealed.set(plaintext);
        other.aead(key).seal(nonce, ad, sealed.subarray(0, 300), sealed);
        const apart = new Uint8Array(316);
        suite.aead(key).seal(nonce, ad, plaintext, apart);
        assert.deepEqual(apart, sealed);
        assert.equal(suite.aead(key).open(nonce, undefined, sealed.slice(), new Uint8Array(300)), false);
        assert.equal(
          suite.aead(key).open(Number(nonce) === 0 ? 1 : 0, ad, sealed.slice(), new Uint8Array(300)),
          false,
        );
        assert.ok(suite.aead(key).open(nonce, ad, sealed, sealed.subarray(0, 300)));
        assert.deepEqual(sealed.subarray(0, 300), plaintext);
      }
    }
  });

  test(`${suite.backend}: key pairs agree with those of the other suite, and random bytes differ`, () => {
    const [mine, theirs] = [generateKeyPair(suite), generateKeyPair(sodiumSuite)];
    assert.deepEqual(nobleSuite.keyPair(mine.secretKey), mine);
    assert.deepEqual(
      suite.dh(mine.secretKey, theirs.publicKey),
      sodiumSuite.dh(theirs.secretKey, mine.publicKey),
    );
    assert.throws(() => suite.dh(mine.secretKey, new Uint8Array(32)), 'a product of zero');
    assert.notDeepEqual(generateKeyPair(suite).secretKey, mine.secretKey);
  });

  test(`${suite.backend}: copies its key, and refuses to work after a wipe`, () => {
    const key = random(32);
    const aead = suite.aead(key);
    const [before, after] = [new Uint8Array(16), new Uint8Array(16)];
    aead.seal(0, undefined, new Uint8Array(0), before);
    key.fill(0);
    aead.seal(0, undefined, new Uint8Array(0), after);
    assert.deepEqual(after, before);
    aead.wipe();
    aead.seal(0, undefined, new Uint8Array(0), after);
    assert.notDeepEqual(after, before);
  });
}
