import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { standIn } from '@aico/backend/testing';
import { Notes, wordsIn } from './notes.ts';

test('wordsIn() counts the words between white space', () => {
  assert.equal(wordsIn('  three\nwords\there '), 3);
  assert.equal(wordsIn('   '), 0);
});

describe('the health check', () => {
  /** Notes with a stand-in database in which `count` notes wait. A member that the stand-in lacks is an error that names it. */
  const notesThatWait = (waiting: number): Notes => {
    const execute = async () => ({ fetchOne: () => ({ waiting }) });
    return new Notes(standIn('database', { execute }), standIn('message_bus', {}));
  };

  test('is healthy while few notes wait to be counted', async () => {
    assert.deepEqual(await notesThatWait(3).health(), { status: 'healthy', data: { waiting: 3 } });
  });

  test('is degraded when many wait', async () => {
    assert.equal((await notesThatWait(1_001).health()).status, 'degraded');
  });
});
