import assert from 'node:assert/strict';
import { mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { getSystemErrorMap } from 'node:util';
import fc from 'fast-check';
import { findFault, SystemError, systemErrorIn } from './index.ts';

async function testFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aico-system-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const OWN_SENTENCE = ['EMFILE', 'ENFILE', 'EACCES', 'ENOSPC', 'EROFS', 'EDQUOT', 'EIO', 'ENOLCK'] as const;
/** Words of a hint that would advise the user to delete data. */
const COSTS_DATA = /\b(?:delete|remove|rm |reset|reformat|mkfs|start over)\b/i;

describe('systemErrorIn()', () => {
  test('each common failure has its own code and message', () => {
    const errors = OWN_SENTENCE.map(
      (errno) => new SystemError({ errno, syscall: 'open', target: '/x', cause: undefined }),
    );
    assert.equal(new Set(errors.map(({ code }) => code)).size, errors.length);
    assert.equal(new Set(errors.map(({ condition }) => condition)).size, errors.length);
    for (const error of errors) assert.notEqual(error.code, 'AICO_SYSTEM_REFUSED');
  });

  test('every errno of the system is translated to a code, a message and a hint that loses no data', () => {
    const numbers = Object.values(constants.errno);
    fc.assert(
      fc.property(fc.constantFrom(...numbers), fc.nat(3), (number, depth) => {
        // As Node reports it: EDQUOT and others have no name there, "Unknown system error -122".
        const code = getSystemErrorMap().get(-number)?.[0] ?? `Unknown system error ${-number}`;
        const errno = Object.entries(constants.errno).find(([, value]) => value === number)?.[0];
        let error: Error = Object.assign(new Error('refused'), { code, errno: -number, syscall: 'fsync' });
        for (let n = 0; n < depth; n += 1)
          error = n % 2 === 0 ? new Error('above', { cause: error }) : new AggregateError([error], 'several');
        const found = systemErrorIn(error);
        assert.ok(found instanceof SystemError);
        assert.match(found.code, /^AICO_SYSTEM_/);
        assert.match(found.message, new RegExp(`(${errno}|${code}): fsync`));
        assert.match(found.hint ?? '', /\S.*\./);
        assert.doesNotMatch(found.hint ?? '', COSTS_DATA);
      }),
    );
  });

  test('the codes of SQLite for failures of the disk are translated', () => {
    const of = (code: string): string | undefined =>
      systemErrorIn(Object.assign(new Error('x'), { code }))?.errno;
    assert.equal(of('SQLITE_FULL'), 'ENOSPC');
    assert.equal(of('SQLITE_IOERR_FSYNC'), 'EIO');
    assert.equal(of('SQLITE_IOERR_DATA'), undefined);
    assert.equal(of('SQLITE_BUSY'), undefined);
    assert.equal(of('SQLITE_CONSTRAINT_UNIQUE'), undefined);
  });

  test('an error that is not from the system, or is its own cause, is not translated', () => {
    const circular = new Error('x');
    circular.cause = circular;
    for (const error of [circular, new Error('E'), 'ENOSPC', undefined])
      assert.equal(systemErrorIn(error), undefined);
  });

  test('a real refusal names the call and the file', async (t) => {
    const file = path.join(await testFolder(t), 'missing', 'file');
    const error = systemErrorIn(await open(file, 'r').catch((cause: unknown) => cause));
    assert.equal(error?.code, 'AICO_SYSTEM_NOT_THERE');
    assert.match(error.message, /ENOENT: open .*missing/);
  });
});

describe('findFault()', () => {
  test('returns undefined for a writable folder, and leaves nothing in it', async (t) => {
    const folder = await testFolder(t);
    assert.equal(findFault(folder), undefined);
    assert.deepEqual(await readdir(folder), []);
    assert.equal(findFault(path.join(folder, 'b')), 'ENOENT');
  });
});
