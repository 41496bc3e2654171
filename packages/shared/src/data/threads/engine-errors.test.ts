import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemErrorIn } from '../../core/system-errors/index.ts';
import { EngineFailure, errorOf } from './engine-errors.ts';

test('an engine’s failure stands for itself: what the system said is not lost on the way', () => {
  for (const errno of ['ENOSPC', 'EDQUOT', 'EACCES', 'EMFILE', 'EROFS']) {
    const failure = { code: 'SQLITE_IOERR_SHMSIZE', message: 'disk I/O error', errno };
    const direct = errorOf(failure, '/home/aico.db', 'open');
    const byWay = errorOf(new EngineFailure(failure), '/home/aico.db', 'open');
    assert.equal(byWay.constructor, direct.constructor, errno);
    assert.equal(byWay.message, direct.message);
    assert.equal(systemErrorIn(byWay)?.errno, errno);
  }
});
