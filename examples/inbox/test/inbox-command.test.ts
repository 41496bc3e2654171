/** `aico inbox …`, as a person calls it, against a whole backend. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createTestBackend, createTestHome, type TestBackend, type TestHome } from '@aico/backend/testing';

const INBOX = fileURLToPath(new URL('..', import.meta.url));
/** `npm test` builds the command once. */
const AICO =
  process.env.TEST_AICO_COMMAND ??
  fileURLToPath(new URL('../../../packages/cli/bin/aico.js', import.meta.url));
const SEPARATOR = 'From a@b Thu Aug 22 12:36:23 2002\n';

describe('aico inbox', () => {
  let backend: TestBackend;
  let folder: TestHome;

  before(async () => {
    backend = await createTestBackend({
      plugins: [INBOX],
      config: { 'plugins.inbox.max_message_mib': 1 },
    });
    folder = await createTestHome();
  });
  after(async () => {
    await backend.stop();
    await folder.remove();
  });

  async function aico(...args: readonly string[]) {
    const child = spawn(process.execPath, [AICO, ...args], {
      env: { ...process.env, AICO_HOME: backend.home, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [out, err, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit'),
    ]);
    return { out, err, code };
  }

  async function file(name: string, content: string | Buffer): Promise<string> {
    const place = path.join(folder.folder, name);
    await mkdir(path.dirname(place), { recursive: true });
    await writeFile(place, content);
    return place;
  }

  test('import reports every message, names the refused ones, and adds nothing the second time', async () => {
    const messages = Array.from(
      { length: 150 },
      (_, index) => `Subject: Number ${index}\n\nText ${index}\n\n`,
    );
    const large = `Subject: Large\n\n${'x'.repeat(1_100_000)}\n\n`;
    const mbox = await file('all.mbox', SEPARATOR + [...messages, large, 'no mail at all\n'].join(SEPARATOR));
    await file('mail/one.eml', 'Subject: One\n\nText\n');
    await file('mail/notes.txt', 'no mail');
    const paths = [mbox, path.join(folder.folder, 'mail')];

    const first = await aico('inbox', 'import', ...paths, '--json');
    assert.deepEqual(JSON.parse(first.out), {
      found: 154,
      imported: 151,
      duplicate: 0,
      refused: 2,
      skipped: 1,
      reasons: { 'it does not begin as mail does': 1 },
      refusals: [
        { where: `${mbox} #151`, reason: 'it has 1.0 MiB, and the limit is 1.0 MiB' },
        { where: `${mbox} #152`, reason: 'it has no headers' },
      ],
    });
    const again = await aico('inbox', 'import', ...paths);
    assert.match(again.out, /^154 found: 0 imported, 151 duplicate, 2 refused, 1 skipped\n/);
    assert.match(again.out, /refused .*all\.mbox #152: it has no headers/);
    assert.deepEqual([first.code, again.code], [0, 0]);
  });

  test('an import that stores nothing, because all messages are refused or skipped, ends with exit code 1', async () => {
    const letter = await file('letter/letter.txt', 'Dear Sir,\n');
    const [named, below] = await Promise.all([
      aico('inbox', 'import', letter),
      aico('inbox', 'import', path.dirname(letter)),
    ]);
    assert.match(named.out, /^1 found: 0 imported, 0 duplicate, 1 refused, 0 skipped\n/);
    assert.match(below.out, /^1 found: 0 imported, 0 duplicate, 0 refused, 1 skipped\n/);
    assert.deepEqual([named.code, below.code], [1, 1]);
  });

  test('search, list and read escape control characters of a message', async () => {
    const eml = await file(
      'evil.eml',
      'From: =?utf-8?Q?E=1B]0;owned=07vil?= <e@example.org>\nSubject: =?utf-8?Q?Zebra=1B[2J=0Aline?=\n' +
        'Date: Thu, 22 Aug 2002 12:36:23 +0000\n\nA zebra\u001b[1;1H crosses.\n',
    );
    await aico('inbox', 'import', eml);
    const [found, listed] = await Promise.all([
      aico('inbox', 'search', 'zebra', 'crosses'),
      aico('inbox', 'list', '-n', '1'),
    ]);
    const id = /^ *(\d+)/.exec(found.out)?.[1] ?? '';
    const read = await aico('inbox', 'read', id);
    assert.match(
      read.out,
      /^From: .*\nTo: \nDate: 2002-08-22T12:36:23.000Z\nSubject: Zebra.*line\n\nA zebra/,
    );
    assert.match(listed.out, /^ +\d+ {2}2002-08-22 {2}.*Zebra.*\nmore: --before \d+\n$/);
    for (const { out, code } of [found, listed, read]) {
      assert.equal(code, 0);
      assert.doesNotMatch(out.replaceAll(/[\n\t]/g, ''), /\p{Cc}/u);
    }
  });

  test('a missing path is reported before the import begins', async () => {
    const eml = await file('never.eml', 'Subject: Never imported\n');
    const { err, code } = await aico('inbox', 'import', eml, path.join(folder.folder, 'none.mbox'));
    assert.notEqual(code, 0);
    assert.match(err, /cannot read .*none\.mbox/);
    assert.match((await aico('inbox', 'search', 'never')).out, /no messages/);
  });

  test('an unknown message and an invalid limit are errors', async () => {
    const [unknown, limit] = await Promise.all([
      aico('inbox', 'read', '99999'),
      aico('inbox', 'list', '-n', '0'),
    ]);
    assert.match(unknown.err, /there is no message 99999/);
    assert.match(limit.err, /from 1 to 500/);
    assert.ok(unknown.code !== 0 && limit.code !== 0);
  });
});
