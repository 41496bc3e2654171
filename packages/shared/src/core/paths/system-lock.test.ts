import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { whileLocked } from './system-lock.ts';

const url = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);

async function temporary(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'aico-lock-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

/** Runs the source in `processes` concurrent processes. @returns the output of each */
async function inParallel(processes: number, source: string, ...args: string[]): Promise<readonly string[]> {
  return await Promise.all(
    Array.from({ length: processes }, async () => {
      const child = spawn(process.execPath, ['--input-type=module', '--eval', source, ...args], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let printed = '';
      for await (const part of child.stdout) printed += String(part);
      return printed;
    }),
  );
}

test('of many processes one at a time holds the lock, whatever file remains from an older lock', async (t) => {
  const folder = await temporary(t);
  const counter = path.join(folder, 'counter');
  await writeFile(counter, '0');
  // Lock files of earlier versions: empty, or with the number of a process that is gone.
  await writeFile(path.join(folder, 'slots.json.lock'), '');
  const source = `
    import { readFile, writeFile } from 'node:fs/promises';
    const { SlotStore } = await import(${url('../../security/slots/slot-store.ts')});
    const [, slots, counter] = process.argv;
    for (let n = 0; n < 20; n += 1)
      await new SlotStore(slots).change(async () => {
        const count = Number(await readFile(counter, 'utf8'));
        await new Promise((resolve) => setImmediate(resolve));
        await writeFile(counter, String(count + 1));
      });`;
  await inParallel(6, source, path.join(folder, 'slots.json'), counter);
  assert.equal(await readFile(counter, 'utf8'), '120');
});

test('a second holder in the same process waits as well, and the lock is released after a failure', async (t) => {
  const lock = path.join(await temporary(t), 'guard');
  const busy = () => new Error('busy');
  await assert.rejects(
    whileLocked(lock, { waitMs: 0, busy }, async () => {
      await assert.rejects(whileLocked(lock, { waitMs: 0, busy }, assert.fail), /busy/);
      throw new Error('the work failed');
    }),
    /the work failed/,
  );
  assert.equal(await whileLocked(lock, { waitMs: 0, busy }, async () => 'free'), 'free');
});

test('12 processes that guess in parallel count as 12 attempts', async (t) => {
  const file = path.join(await temporary(t), 'tries');
  const source = `
    const { UnlockThrottle } = await import(${url('../../security/unlocking/unlock-throttle.ts')});
    await new UnlockThrottle(process.argv[1]).begin().then(
      () => process.stdout.write('let in'),
      (error) => process.stdout.write(error.code),
    );`;
  const outcomes = await inParallel(12, source, file);
  const letIn = outcomes.filter((outcome) => outcome === 'let in').length;
  // Three are free; a slow machine may have waited out a second or two meanwhile.
  assert.ok(letIn >= 3 && letIn <= 6, outcomes.join(', '));
  assert.equal(outcomes.filter((outcome) => outcome === 'AICO_KEY_THROTTLED').length, 12 - letIn);
  const { failures } = JSON.parse(await readFile(file, 'utf8')) as { failures: number };
  assert.equal(failures, letIn, 'every try that was let in is counted');
});
