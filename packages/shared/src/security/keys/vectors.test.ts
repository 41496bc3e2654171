import assert from 'node:assert/strict';
import { argon2Sync } from 'node:crypto';
import { describe, test } from 'node:test';
import { argon2id, COST_CEILING, COST_FLOOR, costProblem, passwordKey } from '../passwords/password-key.ts';
import { hkdfSha256 } from './key-derivation.ts';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const run = (first: number, last: number): Buffer =>
  Buffer.from(Array.from({ length: last - first + 1 }, (_, index) => first + index));

describe('HKDF-SHA-256 agrees with RFC 5869, appendix A', () => {
  const cases = [
    {
      name: 'test case 1',
      key: Buffer.alloc(22, 0x0b),
      salt: run(0x00, 0x0c),
      info: run(0xf0, 0xf9),
      out: '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    },
    {
      name: 'test case 2',
      key: run(0x00, 0x4f),
      salt: run(0x60, 0xaf),
      info: run(0xb0, 0xff),
      out:
        'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c' +
        '59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87',
    },
    {
      name: 'test case 3',
      key: Buffer.alloc(22, 0x0b),
      salt: Buffer.alloc(0),
      info: Buffer.alloc(0),
      out: '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
    },
  ];
  for (const { name, key, salt, info, out } of cases)
    test(name, () => {
      assert.deepEqual(Buffer.from(hkdfSha256(key, salt, info, out.length / 2)), hex(out));
    });
});

describe('Argon2id', () => {
  test('the reference implementation computes the vector of RFC 9106, section 5.3', () => {
    const tag = argon2Sync('argon2id', {
      message: Buffer.alloc(32, 1),
      nonce: Buffer.alloc(16, 2),
      secret: Buffer.alloc(8, 3),
      associatedData: Buffer.alloc(12, 4),
      memory: 32,
      passes: 3,
      parallelism: 4,
      tagLength: 32,
    });
    assert.deepEqual(
      Buffer.from(tag),
      hex('0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659'),
    );
  });

  test('the native implementation agrees with it at the costs in use', async () => {
    for (const cost of [COST_FLOOR, { memoryKiB: 64 * 1024, passes: 4, lanes: 2 }]) {
      const message = Buffer.from('correct horse battery staple');
      const salt = Buffer.alloc(16, 0x5a);
      const reference = argon2Sync('argon2id', {
        message,
        nonce: salt,
        memory: cost.memoryKiB,
        passes: cost.passes,
        parallelism: cost.lanes,
        tagLength: 32,
      });
      assert.deepEqual(Buffer.from(await argon2id(message, salt, cost)), Buffer.from(reference));
      const key = await passwordKey(message.toString(), salt, cost);
      key.use((bytes) => assert.deepEqual(Buffer.from(bytes), Buffer.from(reference)));
      key.wipe();
    }
  });

  test("the native implementation computes the reference implementation's own vector", async () => {
    // phc-winner-argon2, src/test.c: version 0x13, argon2id, t=2, m=65536, p=1.
    const tag = await argon2id(Buffer.from('password'), Buffer.from('somesalt'), {
      memoryKiB: 65_536,
      passes: 2,
      lanes: 1,
    });
    assert.deepEqual(
      Buffer.from(tag),
      hex('09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7'),
    );
  });

  test('a cost outside the limits is refused by its name', () => {
    assert.equal(costProblem(COST_FLOOR), undefined);
    assert.match(costProblem({ ...COST_FLOOR, memoryKiB: 65_535 }) ?? '', /memoryKiB is 65535/);
    assert.match(costProblem({ ...COST_FLOOR, passes: 2 }) ?? '', /passes/);
    assert.match(costProblem({ ...COST_CEILING, lanes: 255 }) ?? '', /lanes/);
  });
});
