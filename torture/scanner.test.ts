import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { scan, secretNeedles } from './fixtures/scanner.ts';

const SECRET = 'kingfisher-7ü-under-the-bridge';
const needles = secretNeedles('the canary', SECRET);

test('the scanner finds a secret in every encoding, at every alignment, across chunks, in names and links', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'aico-scan-'));
  t.after(() => rm(folder, { recursive: true }));
  const place = async (name: string): Promise<string> => {
    const made = path.join(folder, name);
    await mkdir(made);
    return made;
  };
  const bytes = Buffer.from(SECRET);
  const plants: Readonly<Record<string, string | Buffer>> = {
    raw: `x${SECRET}y`,
    hex: bytes.toString('hex'),
    HEX: bytes.toString('hex').toUpperCase(),
    'UTF-16LE': Buffer.from(SECRET, 'utf16le'),
    'base64 of a longer text, 0': Buffer.from(`abc${SECRET}def`).toString('base64'),
    'base64 of a longer text, 1': Buffer.from(`abcd${SECRET}def`).toString('base64'),
    'base64 of a longer text, 2': Buffer.from(`abcde${SECRET}d`).toString('base64url'),
    'across two chunks': Buffer.concat([Buffer.alloc(8 * 1024 * 1024 - 5), bytes, Buffer.alloc(100)]),
  };
  for (const [name, content] of Object.entries(plants)) {
    const here = await place(name);
    await writeFile(path.join(here, 'file'), content);
    assert.equal((await scan([here], needles)).length > 0, true, name);
  }
  const named = await place('named');
  await writeFile(path.join(named, SECRET), '');
  const linked = await place('linked');
  await symlink(SECRET, path.join(linked, 'link'));
  assert.ok((await scan([named], needles)).length > 0);
  assert.ok((await scan([linked], needles)).length > 0);

  const clean = await place('clean');
  await assert.rejects(scan([clean], needles), /no files/);
  await writeFile(path.join(clean, 'file'), SECRET.slice(1, -1));
  assert.deepEqual(await scan([clean], needles), []);
});
