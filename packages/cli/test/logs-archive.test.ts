import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { Aico } from './fixtures/aico.ts';

interface Line {
  readonly id: number;
  readonly service: string;
}

test('lines leave the log for an encrypted file, which is read without a backend and after a change of keys', async (t) => {
  const aico = await Aico.create(t);
  const file = path.join(aico.home, 'old.aicolog');
  const started = await aico.run(['start', '--detach', '--json']);
  assert.equal(started.code, 0, started.stderr);
  const before = await aico.run(['logs', 'export', '--until', '0m']);
  const lines = before.stdout.trimEnd().split('\n');
  const { id = 0, service = '' } = lines.map((line) => JSON.parse(line) as Line).at(-1) ?? {};
  assert.ok(lines.length > 1);

  const archived = await aico.run(['logs', 'archive', file, '--until', '0m', '--remove', '--yes', '--json']);
  const answer = archived.json() as { file: string; lines: number; removed: number };
  assert.deepEqual([answer.file, answer.removed], [file, answer.lines]);
  assert.ok(answer.lines >= lines.length);
  assert.equal((await aico.run(['logs', 'cat', String(id)])).code, 1, 'no longer in the log');
  const events = (await aico.run(['audit', 'ls', '--action', 'log', '--json'])).json() as {
    actor: string;
    action: string;
  }[];
  assert.deepEqual(
    events.map(({ actor, action }) => [actor, action]),
    [['local', 'log.archived']],
  );
  assert.equal((await aico.run(['stop'])).code, 0);

  assert.equal((await aico.run(['db', 'rotate-key'])).code, 0);
  const from = ['--archive', file];
  const exported = await aico.run(['logs', 'export', ...from]);
  assert.deepEqual(exported.stdout.split('\n').slice(0, lines.length), lines);
  const found = (...args: string[]) => aico.run(['logs', ...args, ...from]);
  assert.deepEqual((await found('cat', String(id), '--json')).json(), JSON.parse(lines.at(-1) ?? ''));
  const ofService = (await found('ls', '--service', service)).stdout.trimEnd().split('\n');
  assert.ok(
    ofService.length > 0 && ofService.every((line) => (JSON.parse(line) as Line).service === service),
  );
  assert.match((await found('grep', 'keys', '--pretty')).stdout, /security\/keys/);
  assert.match((await found('stat')).stdout, /^service +lines/);
  assert.match((await found('tail', '-f')).stderr, /No lines are added to an archive/);

  const sealed = await readFile(file);
  await writeFile(file, sealed.subarray(0, -1));
  const refused = await found('export');
  assert.equal(refused.code, 14);
  assert.match(
    refused.stderr,
    /old\.aicolog is refused: part \d+ is incomplete[\s\S]*AICO_SEALED_FILE_REFUSED/,
  );
});
