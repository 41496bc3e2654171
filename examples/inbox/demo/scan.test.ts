import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { filesBelow, scanFor } from './scan.ts';

const SENTENCE = 'Meet me at the old bridge at noon';
const OTHER = 'This sentence is in no file at all';

test('scanFor() finds a sentence in every form, at every offset, also where two chunks meet', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'inbox-scan-'));
  try {
    const file = path.join(folder, 'file');
    for (const before of [0, 1, 2, 1_048_576 - 10, 1_048_576 - 1]) {
      const text = `${'x'.repeat(before)}${SENTENCE}`;
      const offset = Buffer.alloc(before, 0xaa);
      for (const content of [
        Buffer.from(text),
        Buffer.concat([offset, Buffer.from(SENTENCE, 'utf16le')]),
        Buffer.concat([offset, Buffer.from(Buffer.from(SENTENCE).toString('hex'))]),
        Buffer.from(Buffer.from(text).toString('base64')),
      ]) {
        await writeFile(file, content);
        const { finds } = await scanFor(await filesBelow(folder), [OTHER, SENTENCE]);
        assert.deepEqual([...finds], [[SENTENCE, file]]);
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
