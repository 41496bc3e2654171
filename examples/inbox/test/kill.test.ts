/** `kill -9` of the backend during an import, then the same import again. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createTestHome } from '@aico/backend/testing';
import { connectLocal } from '@aico/client/local';

const INBOX = fileURLToPath(new URL('..', import.meta.url));
const AICO = fileURLToPath(new URL('../../../packages/cli/bin/aico.js', import.meta.url));
const MESSAGES = 3_000;

interface Totals {
  readonly messages: number;
  readonly bytes: number;
}

test('an import that is killed and repeated stores every message once', async (t) => {
  const home = await createTestHome();
  t.after(() => home.remove());
  const mbox = path.join(home.folder, 'all.mbox');
  const raw = Array.from(
    { length: MESSAGES },
    (_, index) => `Subject: Number ${index}\n\n${`word${index} `.repeat(100)}\n`,
  );
  await writeFile(mbox, raw.map((each) => `From a@b Thu Aug 22 12:36:23 2002\n${each}\n`).join(''));
  const command = commandIn(t, path.join(home.folder, 'home'));

  const first = await command.start();
  const interrupted = command.run('inbox', 'import', mbox, '--json');
  let before: Totals;
  await using client = connectLocal({ socketPath: first.socket });
  do before = (await client.json('/api/v1/inbox/stats')) as Totals;
  while (before.messages < 200);
  first.process.kill('SIGKILL');
  const { code } = await interrupted;
  assert.ok(before.messages < MESSAGES && code !== 0, 'the import was over before the kill');

  const second = await command.start();
  const again = JSON.parse((await command.run('inbox', 'import', mbox, '--json')).output) as Record<
    string,
    number
  >;
  const { found = 0, imported = 0, duplicate = 0, refused, skipped } = again;
  assert.deepEqual([found, imported + duplicate, refused, skipped], [MESSAGES, MESSAGES, 0, 0]);
  assert.ok(duplicate >= before.messages, 'messages that had been acknowledged are gone');
  await using reader = connectLocal({ socketPath: second.socket });
  const { rows } = (await reader.json('/api/v1/database/query', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      sql: `SELECT count(*) AS messages, count(DISTINCT sha256) AS distinctly, sum(size) AS bytes,
              (SELECT messages FROM inbox_totals) AS total, (SELECT count(*) FROM inbox_search_docsize) AS indexed
            FROM inbox_messages`,
    }),
  })) as { readonly rows: readonly unknown[] };
  const bytes = raw.reduce((sum, each) => sum + each.length, 0);
  // As columns and rows, in this order.
  assert.deepEqual(rows, [[MESSAGES, MESSAGES, bytes, MESSAGES, MESSAGES]]);
  assert.deepEqual(((await reader.json('/api/v1/inbox/stats')) as Totals).bytes, bytes);
});

function commandIn(t: TestContext, home: string) {
  const children = new Set<ChildProcess>();
  t.after(async () => {
    await Promise.all(
      [...children].map(async (child) => {
        const exited = once(child, 'exit');
        child.kill('SIGKILL');
        await exited;
      }),
    );
  });
  const begin = (...args: readonly string[]) => {
    const child = spawn(process.execPath, [AICO, ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: {
        ...process.env,
        AICO_HOME: home,
        AICO_CORE__API_GATEWAY__REST__PORT: '0',
        AICO_CORE__DATABASE__KEYRING_WITNESS: 'false',
      },
    });
    children.add(child);
    child.once('exit', () => children.delete(child));
    return child;
  };
  return {
    /** Starts a backend, and resolves when it is ready. */
    async start() {
      const child = begin('start', '--json', '--plugin', INBOX);
      const [line] = await once(child.stdout, 'data');
      const { socket } = JSON.parse(String(line)) as { readonly socket: string };
      return { process: child, socket };
    },
    /** Runs a command to its end. */
    async run(...args: readonly string[]) {
      const child = begin(...args);
      const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
      return { output, code: code as number | null };
    },
  };
}
