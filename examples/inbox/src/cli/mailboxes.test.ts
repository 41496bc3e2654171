import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { MailboxUnreadableError } from '../errors.ts';
import { findMailFiles } from './mail-files.ts';
import { type Finding, readMailFile } from './mailboxes.ts';

const SEPARATOR = 'From a@b Thu Aug 22 12:36:23 2002\n';
const MIB = 1_048_576;

describe('mailboxes', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'inbox-mailboxes-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function readAll(start: string, maxBytes = MIB): Promise<Finding[]> {
    const findings: Finding[] = [];
    for (const entry of findMailFiles([start])) {
      if (entry.kind !== 'file') findings.push(entry);
      else for await (const finding of readMailFile(entry, maxBytes)) findings.push(finding);
    }
    return findings;
  }

  test('a folder yields the messages of all mail files below it, and other files are skipped', async () => {
    await mkdir(path.join(folder, 'deep', 'cur'), { recursive: true });
    await writeFile(path.join(folder, 'a.mbox'), `${SEPARATOR}Subject: 1\n\n${SEPARATOR}Subject: 2\n`);
    await writeFile(path.join(folder, 'deep', 'cur', '123.M4.host:2,S'), 'Return-Path: <a@b>\nSubject: 3\n');
    await writeFile(path.join(folder, 'deep', 'index.json'), '{"Subject": 4}');
    await writeFile(path.join(folder, '.hidden'), 'Subject: 5\n');
    await writeFile(path.join(folder, 'z-empty.eml'), '');
    assert.deepEqual(
      (await readAll(folder)).map(({ kind, where }) => [kind, path.relative(folder, where)]),
      [
        ['passed-over', '.hidden'],
        ['message', 'a.mbox #1'],
        ['message', 'a.mbox #2'],
        ['message', path.join('deep', 'cur', '123.M4.host:2,S')],
        ['passed-over', path.join('deep', 'index.json')],
        ['passed-over', 'z-empty.eml'],
      ],
    );
  });

  test('a file given by name is sent unchanged, whatever its content', async () => {
    const file = path.join(folder, 'odd');
    const bytes = Buffer.from([0, 1, 2, 255, 10, 13]);
    await writeFile(file, bytes);
    const [found] = await readAll(file);
    assert.ok(found?.kind === 'message');
    assert.deepEqual(found.raw, bytes);
  });

  test('a file beyond the limit is not kept in memory, and its size is reported', async () => {
    const file = path.join(folder, 'large.eml');
    await writeFile(file, `Subject: large\n\n${'x'.repeat(3 * MIB)}`);
    assert.deepEqual(await readAll(file), [
      { kind: 'refused', reason: 'it has 3.0 MiB, and the limit is 1.0 MiB', where: file },
    ]);
  });

  test('a large mailbox is read as a stream, and closed when its reader stops', async () => {
    const file = path.join(folder, 'large.mbox');
    await writeFile(file, `${SEPARATOR}Subject: a\n\n${'text\n'.repeat(100_000)}\n`.repeat(4));
    const [found] = findMailFiles([file]);
    assert.ok(found?.kind === 'file');
    for await (const finding of readMailFile(found, MIB)) {
      assert.equal(finding.kind, 'message');
      break;
    }
    assert.equal((await readAll(file)).length, 4);
  });

  test('a file that was removed since it was found is reported, and the import continues', async () => {
    await writeFile(path.join(folder, 'a.eml'), 'Subject: a\n');
    const [found] = findMailFiles([folder]);
    assert.ok(found?.kind === 'file');
    await rm(found.where);
    const [finding] = await Array.fromAsync(readMailFile(found, MIB));
    assert.ok(finding?.kind === 'refused');
    assert.match(finding.reason, /ENOENT/);
  });

  test('a missing path is refused before anything is read', () => {
    assert.throws(() => findMailFiles([folder, path.join(folder, 'none')]), MailboxUnreadableError);
  });
});
