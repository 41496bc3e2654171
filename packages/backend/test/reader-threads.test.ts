import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createTestBackend, createTestHome } from '@aico/backend/testing';

/** Each reader thread takes 15 MiB. A read that has to wait for a slow machine starts one, so several starts are tried. */
const ATTEMPTS = 6;

test('neither the start of a home that exists nor a report on its health needs a reader thread', {
  skip: process.platform !== 'linux' && 'the names of threads are read from /proc',
}, async (t) => {
  const home = await createTestHome();
  t.after(() => home.remove());
  await (await createTestBackend({ home: home.folder })).stop();
  let readers: readonly string[] = [];
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    await using backend = await createTestBackend({ home: home.folder });
    await backend.container.getService('health').report();
    readers = threads().filter((name) => name.startsWith('reader'));
    assert.ok(threads().includes('writer'));
    if (readers.length === 0) return;
  }
  assert.deepEqual(readers, []);
});

function threads(): readonly string[] {
  return readdirSync('/proc/self/task').map((id) =>
    readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim(),
  );
}
