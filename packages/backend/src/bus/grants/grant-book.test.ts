import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { curveKeyPair, isCurveKey } from '@aico/shared/core/bus/zeromq/keys';
import { WriteUnconfirmedError } from '@aico/shared/core/paths';
import { GrantBook } from './grant-book.ts';
import { type BusGrant, GrantsFile } from './grants-file.ts';

/** A file whose folder cannot be synced while `isFailing`: writes are visible but not confirmed. */
class UnconfirmedFile extends GrantsFile {
  isFailing = false;

  override async write(grants: readonly BusGrant[]): Promise<void> {
    await super.write(grants);
    if (this.isFailing) throw new WriteUnconfirmedError(this.file, new Error('EIO'));
  }
}

async function start(t: TestContext) {
  const folder = await mkdtemp(path.join(tmpdir(), 'aico-grants-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = new UnconfirmedFile(path.join(folder, 'inside', 'bus-grants.json'), Buffer.alloc(32, 1));
  await mkdir(path.dirname(file.file));
  let changes = 0;
  const book = new GrantBook(file, isCurveKey, () => (changes += 1));
  const grant = (component: string) => {
    const { publicKey } = curveKeyPair();
    return book.grant({ component, publicKey, publish: ['a.*'], subscribe: [], renew: false });
  };
  const held = () => book.grants.map(({ component }) => component);
  const stored = async () => (await file.read()).map(({ component }) => component);
  return { file, book, grant, held, stored, changes: () => changes };
}

test('a grant that cannot be written does not take effect', async (t) => {
  const { file, book, grant, held, changes } = await start(t);
  await rmdir(path.dirname(file.file));
  await assert.rejects(grant('one'));
  assert.deepEqual([held(), changes()], [[], 0]);
  await mkdir(path.dirname(file.file));
  await grant('two');
  await rm(path.dirname(file.file), { recursive: true });
  await assert.rejects(book.revoke('two'));
  assert.deepEqual([held(), changes()], [['two'], 1]);
});

test('a grant that the disk does not confirm does not take effect, and the file is restored', async (t) => {
  const { file, grant, held, stored, changes } = await start(t);
  await grant('one');
  file.isFailing = true;
  await assert.rejects(grant('two'), WriteUnconfirmedError);
  assert.deepEqual([held(), await stored(), changes()], [['one'], ['one'], 1]);
});

test('a revocation that the disk does not confirm takes effect with an error', async (t) => {
  const { file, book, grant, held, stored, changes } = await start(t);
  await grant('one');
  file.isFailing = true;
  await assert.rejects(book.revoke('one'), WriteUnconfirmedError);
  assert.deepEqual([held(), await stored(), changes()], [[], [], 2]);
});
