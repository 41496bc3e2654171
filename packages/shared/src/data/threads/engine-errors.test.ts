import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemErrorIn } from '../../core/system-errors/index.ts';
import { EngineFailure } from '../engine/engine-failure.ts';
import { Vocabulary } from '../sql/vocabulary.ts';
import { errorOf } from './engine-errors.ts';

const statement = { file: '/home/aico.db', shape: 'open', vocabulary: new Vocabulary() };

test('a system error of the engine is kept as the cause of the database error', () => {
  for (const errno of ['ENOSPC', 'EDQUOT', 'EACCES', 'EMFILE', 'EROFS']) {
    const failure = { code: 'SQLITE_IOERR_SHMSIZE', message: 'disk I/O error', errno };
    const direct = errorOf(failure, statement);
    const byWay = errorOf(new EngineFailure(failure).failure, statement);
    assert.equal(byWay.constructor, direct.constructor, errno);
    assert.equal(byWay.message, direct.message);
    assert.equal(systemErrorIn(byWay)?.errno, errno);
  }
});
