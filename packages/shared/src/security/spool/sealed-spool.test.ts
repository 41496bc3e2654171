import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { SealedSpool, type SealedSpoolOptions } from './sealed-spool.ts';
import { SpooledRuns } from './spooled-run.ts';

const KEY = randomBytes(32);
const RUN = 'ab'.repeat(16);

class Folder {
  readonly path = mkdtempSync(path.join(tmpdir(), 'aico-spool-'));

  spool(options: Partial<SealedSpoolOptions> = {}): SealedSpool {
    return new SealedSpool({ folder: this.path, key: Uint8Array.from(KEY), run: RUN, ...options });
  }

  get files(): readonly string[] {
    return readdirSync(this.path).map((name) => path.join(this.path, name));
  }

  get bytes(): number {
    return this.files.reduce((sum, file) => sum + statSync(file).size, 0);
  }

  /** The texts that a later process finds, and how many entries it knows to be damaged. */
  left(key: Uint8Array = KEY): { texts: readonly string[]; damaged: number } {
    const spools = new SpooledRuns(this.path, Uint8Array.from(key));
    const texts: string[] = [];
    let damaged = 0;
    for (const run of spools.runs('')) {
      for (const { text } of run.entries()) texts.push(text);
      damaged += run.damaged;
    }
    spools.close();
    return { texts, damaged };
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

function folderOf(t: TestContext): Folder {
  const folder = new Folder();
  t.after(() => folder.remove());
  return folder;
}

/** One file with three entries, and its bytes. */
function threeEntries(folder: Folder): { file: string; bytes: Buffer; texts: readonly string[] } {
  const texts = ['first', 'the second', 'third'];
  const spool = folder.spool();
  for (const [index, text] of texts.entries()) spool.append({ first: index + 1, last: index + 1, text });
  spool.close();
  const [file = ''] = folder.files;
  return { file, bytes: readFileSync(file), texts };
}

describe('SealedSpool', () => {
  test('entries are returned in the order of their numbers, for any content and number of files', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary' }), { maxLength: 12 }),
        fc.boolean(),
        (texts, isReversed) => {
          const folder = new Folder();
          try {
            const spool = folder.spool({ segmentBytes: 200 });
            const entries = texts.map((text, index) => ({ first: index + 1, last: index + 1, text }));
            for (const entry of isReversed ? entries.toReversed() : entries) spool.append(entry);
            const expected = texts.map((text) => Buffer.from(text, 'utf8').toString('utf8'));
            // Without closing it, as after a kill.
            assert.deepEqual(folder.left(), { texts: expected, damaged: 0 });
            spool.close();
            assert.deepEqual(folder.left(), { texts: expected, damaged: 0 });
          } finally {
            folder.remove();
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  test('nothing is created before the first entry, and nothing is left when all are released', (t) => {
    const folder = folderOf(t);
    const spool = folder.spool({ segmentBytes: 200 });
    assert.deepEqual(folder.files, []);
    for (let n = 1; n <= 100; n += 1) spool.append({ first: n, last: n, text: 'x'.repeat(50) });
    assert.ok(folder.files.length > 10);
    for (const file of folder.files) assert.equal(statSync(file).mode & 0o777, 0o600);
    spool.release(50);
    assert.deepEqual(folder.left().damaged, 0);
    assert.ok(folder.left().texts.length <= 52);
    spool.release(100);
    assert.equal(folder.files.length, 1, 'the file that is written');
    spool.close();
    assert.deepEqual(folder.files, []);
  });

  test('it never exceeds its size, and accepts entries again when some are released', (t) => {
    const folder = folderOf(t);
    const spool = folder.spool({ maxBytes: 100_000 });
    const text = 'x'.repeat(1_000);
    let n = 0;
    const fill = (share: number): void => {
      while (spool.append({ first: n + 1, last: n + 1, text }, share)) n += 1;
    };
    fill(0.5);
    assert.ok(folder.bytes <= 50_000 && folder.bytes > 45_000, `${folder.bytes} bytes`);
    fill(1);
    assert.ok(folder.bytes <= 100_000 && folder.bytes > 95_000, `${folder.bytes} bytes`);
    const before = n;
    spool.release(n);
    fill(1);
    assert.ok(n > before + 80, `${n - before} more entries`);
    spool.close();
  });

  test('one file that is always released is cut off, so it does not grow', (t) => {
    const folder = folderOf(t);
    const spool = folder.spool();
    for (let n = 1; n <= 500; n += 1) {
      spool.append({ first: n, last: n, text: 'x'.repeat(1_000) });
      spool.release(n);
      assert.ok(folder.bytes < 70_000);
    }
    spool.append({ first: 501, last: 501, text: 'the last' });
    assert.deepEqual(folder.left().texts.at(-1), 'the last');
    spool.close();
  });

  test('an amended entry has its last state, between those before and after it', (t) => {
    const folder = folderOf(t);
    const spool = folder.spool();
    spool.append({ first: 1, last: 1, text: 'before' });
    spool.append({ first: 2, last: 2, text: 'one' });
    for (const text of ['a longer state', 'short']) spool.amend({ first: 2, last: 3, text });
    spool.append({ first: 4, last: 4, text: 'after' });
    assert.deepEqual(folder.left(), { texts: ['before', 'short', 'after'], damaged: 0 });
    spool.close();
  });
});

describe('a spool of an earlier run', () => {
  test('cut off anywhere, has the entries before the cut and no damage', (t) => {
    const folder = folderOf(t);
    const { file, bytes, texts } = threeEntries(folder);
    const lengths = new Set<number>();
    for (let length = 0; length <= bytes.byteLength; length += 1) {
      writeFileSync(file, bytes.subarray(0, length));
      const left = folder.left();
      assert.deepEqual(left, { texts: texts.slice(0, left.texts.length), damaged: 0 });
      lengths.add(left.texts.length);
    }
    assert.deepEqual([...lengths], [0, 1, 2, 3]);
  });

  test('with any byte changed, yields only texts that were written, and one is missing', (t) => {
    const folder = folderOf(t);
    const { file, bytes, texts } = threeEntries(folder);
    for (let at = 0; at < bytes.byteLength; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      writeFileSync(file, changed);
      const left = folder.left();
      assert.ok(left.texts.every((text) => texts.includes(text)) && left.texts.length < 3, `byte ${at}`);
      // A changed length may look like the end of a file that was being written.
      assert.ok(left.damaged > 0 || left.texts.length < 3);
    }
  });

  test('with an entry removed, repeated or moved, is reported as damaged, and returns no text twice', (t) => {
    const folder = folderOf(t);
    const { file, bytes, texts } = threeEntries(folder);
    const entries: Buffer[] = [];
    for (let at = 40; at < bytes.byteLength; ) {
      const end = at + 18 + bytes.readUInt32BE(at);
      entries.push(bytes.subarray(at, end));
      at = end;
    }
    const [first, second, third] = entries as [Buffer, Buffer, Buffer];
    const header = bytes.subarray(0, 40);
    for (const order of [
      [first, third],
      [first, second, second, third],
      [second, first, third],
    ]) {
      writeFileSync(file, Buffer.concat([header, ...order]));
      const left = folder.left();
      assert.ok(left.damaged > 0);
      assert.equal(new Set(left.texts).size, left.texts.length);
      assert.ok(left.texts.every((text) => texts.includes(text)));
    }
  });

  test('cannot be read without its key', (t) => {
    const folder = folderOf(t);
    const { bytes, texts } = threeEntries(folder);
    for (const text of texts) assert.equal(bytes.includes(text), false);
    assert.equal(bytes.includes(KEY), false);
    assert.deepEqual(folder.left(randomBytes(32)), { texts: [], damaged: 3 });
  });

  test('is read although a folder and a pipe have names of its files', {
    skip: process.platform === 'win32',
  }, (t) => {
    const folder = folderOf(t);
    const { texts } = threeEntries(folder);
    mkdirSync(path.join(folder.path, '00000008.spool'));
    execFileSync('mkfifo', [path.join(folder.path, '00000009.spool')]);
    assert.deepEqual(folder.left(), { texts, damaged: 0 });
  });

  test('is skipped while its process runs; the others are removed one by one', (t) => {
    const folder = folderOf(t);
    const other = 'cd'.repeat(16);
    const running = folder.spool();
    running.append({ first: 1, last: 1, text: 'running' });
    folder.spool({ run: other }).append({ first: 1, last: 1, text: 'left' });
    const spools = new SpooledRuns(folder.path, Uint8Array.from(KEY));
    const [left, ...more] = spools.runs(RUN);
    assert.equal(left?.run, other);
    assert.deepEqual(more, []);
    left.remove();
    assert.deepEqual(spools.runs(RUN), []);
    assert.equal(folder.files.length, 1);
    spools.close();
    running.close();
  });
});
