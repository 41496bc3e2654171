import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BackupFailedError } from '@aico/shared/data';
import { problemOf } from './problems.ts';

test('a client gets the condition of the machine that stopped its request, without file names', () => {
  const full = Object.assign(new Error('canary'), { code: 'ENOSPC', syscall: 'write', path: '/canary/file' });
  const problem = problemOf(new BackupFailedError('/canary', full), '1');
  assert.equal(problem.status, 507);
  assert.equal(problem.code, 'AICO_DATABASE_BACKUP');
  assert.equal(problem.detail, 'The backend could not do this: the disk is full.');
  assert.doesNotMatch(JSON.stringify(problem), /canary/);
  const failing = Object.assign(new Error('canary'), { code: 'SQLITE_IOERR_FSYNC' });
  assert.equal(problemOf(failing, '1').status, 503);
  assert.equal(problemOf(failing, '1').code, 'AICO_SYSTEM_DISK_FAILED');
});

test('a broken connection and a missing file remain internal errors that only the log explains', () => {
  for (const code of ['EPIPE', 'ENOENT', 'ECONNREFUSED'])
    assert.equal(
      problemOf(Object.assign(new Error('x'), { code, syscall: 'x' }), '1').code,
      'AICO_PROBLEM_INTERNAL',
    );
});
