import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { writePrivateFile } from '../../core/paths/index.ts';
import { openedParts, sealedParts } from './sealed-file.ts';

const KIND = 'AICOTEST';
const KEY = randomBytes(32);

describe('a sealed file', () => {
  let folder: string;
  let file: string;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'aico-sealed-'));
    file = path.join(folder, 'sealed');
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const write = (parts: readonly Uint8Array[], key = KEY): Promise<void> =>
    writePrivateFile(file, sealedParts(KIND, key, parts));
  const read = async (): Promise<readonly Buffer[]> =>
    (await Array.fromAsync(openedParts(file, KIND, KEY))).map((part) => Buffer.from(part));
  const parts = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 });
  /** Where the parts of the file begin and end. */
  const bordersOf = (sealed: Buffer): readonly number[] => {
    const borders = [48];
    for (let at = 48; at < sealed.byteLength; borders.push(at)) at += 4 + sealed.readUInt32BE(at);
    return borders;
  };

  test('comes back part by part, is private, and holds no plaintext', async () => {
    await fc.assert(
      fc.asyncProperty(parts, async (given) => {
        await write(given);
        assert.deepEqual(
          await read(),
          given.map((part) => Buffer.from(part)),
        );
      }),
      { numRuns: 30 },
    );
    await write([Buffer.from('a diary in the clear')]);
    assert.equal((await stat(file)).mode & 0o777, process.platform === 'win32' ? 0o666 : 0o600);
    assert.equal((await readFile(file)).includes('diary'), false);
  });

  test('is refused with any bit flipped, and no altered part is returned', async () => {
    await fc.assert(
      fc.asyncProperty(parts, fc.nat(), async (given, at) => {
        await write(given);
        const sealed = await readFile(file);
        const bit = at % (sealed.byteLength * 8);
        sealed[bit >> 3] = (sealed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        await writeFile(file, sealed);
        const seen: Uint8Array[] = [];
        await assert.rejects(
          async () => {
            for await (const part of openedParts(file, KIND, KEY)) seen.push(part);
          },
          { code: 'AICO_SEALED_FILE_REFUSED' },
        );
        assert.deepEqual(
          seen.map((part) => Buffer.from(part)),
          given.slice(0, seen.length).map((part) => Buffer.from(part)),
        );
      }),
      { numRuns: 150 },
    );
  });

  test('is refused when it is cut anywhere, or longer', async () => {
    await write([Buffer.from('one'), Buffer.alloc(0), Buffer.from('three')]);
    const sealed = await readFile(file);
    for (let length = 0; length < sealed.byteLength; length += 1) {
      await writeFile(file, sealed.subarray(0, length));
      await assert.rejects(read(), { code: 'AICO_SEALED_FILE_REFUSED' }, `${length} bytes`);
    }
    await writeFile(file, Buffer.concat([sealed, Buffer.from('x')]));
    await assert.rejects(read(), /bytes were added after its end/);
  });

  test('is refused when parts are exchanged, left out, repeated, or of another file', async () => {
    const [one, two] = [Buffer.from('part 1'), Buffer.from('part 2')];
    await write([two, one]);
    const other = await readFile(file);
    await write([one, two]);
    const sealed = await readFile(file);
    const [start = 0, first = 0, second = 0] = bordersOf(sealed);
    const [head, a, b, end] = [
      sealed.subarray(0, start),
      sealed.subarray(start, first),
      sealed.subarray(first, second),
      sealed.subarray(second),
    ];
    const foreign = other.subarray(start, first);
    for (const forged of [
      [head, b, a, end],
      [head, a, end],
      [head, b, end],
      [head, end],
      [head, a, a, b, end],
      [head, a, b, b, end],
      [head, a, foreign, end],
      [other.subarray(0, start), a, b, end],
    ]) {
      await writeFile(file, Buffer.concat(forged));
      await assert.rejects(read(), /part \d was altered, moved or is missing/);
    }
  });

  test('of another key or kind is reported as such', async () => {
    await write([Buffer.from('x')], randomBytes(32));
    await assert.rejects(read(), /written with the keys of another home/);
    await writeFile(file, 'a text');
    await assert.rejects(read(), /another kind of file/);
    await writeFile(file, '');
    await assert.rejects(read(), /another kind of file/);
  });

  test('does not get its name when a part cannot be made', async () => {
    await rm(file);
    const failing = async function* () {
      yield Buffer.from('one');
      throw new Error('the source is gone');
    };
    await assert.rejects(writePrivateFile(file, sealedParts(KIND, KEY, failing())), /the source is gone/);
    await assert.rejects(stat(file), { code: 'ENOENT' });
  });
});
