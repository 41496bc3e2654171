import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { KEY, testStore } from '../../../test/fixtures/store.ts';
import { EngineCrashedError } from '../index.ts';
import { Vocabulary } from '../sql/vocabulary.ts';
import { StatementRegistries } from '../statements/statement-registry.ts';
import { EngineThread } from '../threads/engine-thread.ts';
import { startEngineWorker } from '../threads/engine-worker.ts';

const WRITER = fileURLToPath(new URL('../../../test/fixtures/writer-process.ts', import.meta.url));

/** Starts a process that writes, and kills it after `lines` acknowledgements. @returns the acknowledged rows */
async function writeUntilKilled(file: string, first: number, lines: number): Promise<number[]> {
  const child = spawn(process.execPath, [WRITER, file, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const answered: number[] = [];
  const exited = once(child, 'exit');
  for await (const line of createInterface(child.stdout)) {
    answered.push(Number(line));
    if (answered.length === lines) child.kill('SIGKILL');
  }
  await exited;
  return answered;
}

test('kill -9 during writes loses no acknowledged row and leaves no partial transaction', async (t) => {
  const store = await testStore(t);
  const answered: number[] = [];
  for (const lines of [1, 150, 700]) {
    answered.push(...(await writeUntilKilled(store.file, (answered.at(-1) ?? 0) + 1_000, lines)));
    const db = await store.open();
    const { rows } = await db.execute<{ n: number }>('SELECT n FROM kept');
    const stored = new Set(rows.map(({ n }) => n));
    assert.deepEqual(
      answered.filter((n) => !stored.has(n)),
      [],
    );
    for (const n of stored) if (n % 8 === 0) assert.ok(stored.has(-n), `${n} and ${-n}`);
    assert.deepEqual((await db.execute('PRAGMA integrity_check')).rows, [{ integrity_check: 'ok' }]);
    await db.close();
  }
});

test('a crashed engine thread rejects waiting and later calls, and reports the crash once', async () => {
  const crashes: Error[] = [];
  const script = new URL(
    `data:text/javascript,${encodeURIComponent(
      "import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => { throw new Error('engine fault'); });",
    )}`,
  );
  const key = new SharedArrayBuffer(32);
  new Uint8Array(key).set(KEY);
  const thread = new EngineThread(
    'writer',
    { file: 'nowhere.db', key, cipher: 'aegis', role: 'writer', busyTimeoutMs: 1, maxPages: undefined },
    { onCrash: (error) => crashes.push(error) },
    startEngineWorker('writer', script),
  );
  const registry = new StatementRegistries(8, new Vocabulary(), () => undefined).root;
  const send = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const call = { statement: registry.get('SELECT 1'), params: [], resolve, reject };
      thread.batch(0, [call], thread.layouts, () => undefined);
    });
  const waiting = await Promise.allSettled([send(), send(), thread.operation({ name: 'verify' })]);
  for (const outcome of waiting) {
    assert.ok(outcome.status === 'rejected' && outcome.reason instanceof EngineCrashedError);
    assert.ok(outcome.reason.cause instanceof Error && outcome.reason.cause.message === 'engine fault');
  }
  await assert.rejects(send(), EngineCrashedError);
  await assert.rejects(thread.operation({ name: 'verify' }), EngineCrashedError);
  assert.equal(crashes.length, 1);
});
