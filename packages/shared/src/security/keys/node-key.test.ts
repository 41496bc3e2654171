import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { AICOKeyManager } from '../key-manager.ts';
import { NodeKey, nodeIdOf } from './node-key.ts';

async function folder(t: TestContext): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), 'aico-node-'));
  t.after(() => rm(made, { recursive: true }));
  return made;
}

const manager = (home: string): AICOKeyManager =>
  new AICOKeyManager({ slotsFile: path.join(home, 'slots.json'), keyFile: path.join(home, 'aico.key') });

test('a node key is kept in a file for its user alone, and names the node', async (t) => {
  const file = path.join(await folder(t), 'node.key');
  assert.equal(await NodeKey.read(file), undefined);
  const made = await NodeKey.create(file);
  const read = await NodeKey.read(file);
  assert.deepEqual([read?.id, read?.publicKey], [made.id, made.publicKey]);
  assert.equal(nodeIdOf(made.publicKey), made.id);
  assert.match(made.id, /^[0-9a-f]{16}$/);
  if (process.platform !== 'win32') assert.equal((await stat(file)).mode & 0o777, 0o600);
});

test('keys set up from a sealed root key derive the same keys in slots of their own, and open by themselves', async (t) => {
  const [first, second] = [await folder(t), await folder(t)];
  const keys = manager(first);
  await keys.setUp({ keyFile: true });
  const key = await NodeKey.create(path.join(second, 'node.key'));
  const joined = manager(second);
  await joined.setUp({ keyFile: true, root: { sealed: keys.sealRootKey(key.publicKey), key } });
  assert.deepEqual(joined.deriveKey('bus/nodes'), keys.deriveKey('bus/nodes'));
  const again = manager(second);
  await again.unlock();
  assert.deepEqual(again.deriveKey('bus/nodes'), keys.deriveKey('bus/nodes'));
  assert.notDeepEqual(again.databaseKey(), keys.databaseKey());
});

test('a root key that was sealed to another node, or altered, is refused and leaves no keys behind', async (t) => {
  const [first, second] = [await folder(t), await folder(t)];
  const keys = manager(first);
  await keys.setUp({ keyFile: true });
  const key = await NodeKey.create(path.join(second, 'node.key'));
  const other = await NodeKey.create(path.join(second, 'other.key'));
  const sealed = keys.sealRootKey(key.publicKey);
  const flipped = (text: string): string => {
    const bytes = Buffer.from(text, 'base64url');
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    return bytes.toString('base64url');
  };
  const zero = Buffer.alloc(32).toString('base64url');
  const refused = [
    keys.sealRootKey(other.publicKey),
    { ...sealed, ephemeral: flipped(sealed.ephemeral) },
    { ...sealed, ephemeral: zero },
    { ...sealed, ephemeral: '' },
    { ...sealed, nonce: flipped(sealed.nonce) },
    { ...sealed, ciphertext: flipped(sealed.ciphertext) },
    { ...sealed, ciphertext: '' },
  ];
  for (const each of refused) {
    const joined = manager(second);
    await assert.rejects(joined.setUp({ keyFile: true, root: { sealed: each, key } }), {
      code: 'AICO_KEY_ROOT_SEALED',
    });
    assert.equal(await joined.exists(), false);
  }
});
