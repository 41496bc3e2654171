import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { captured } from '../../../test/fixtures/capture-lines.ts';
import { testStore } from '../../../test/fixtures/store.ts';

describe('an effect after the commit', () => {
  test('that fails is reported, and does not affect other effects or the commit', async (t) => {
    const { logging, lines } = captured();
    const db = await (await testStore(t)).open({ logger: logging.getLogger('database', 'engine') });
    const happened: string[] = [];
    const result = await db.transaction(async (tx) => {
      tx.afterCommit(() => {
        throw new Error('thrown');
      });
      tx.afterCommit(() => Promise.reject(new Error('rejected')));
      tx.afterCommit(() => happened.push('last'));
      return 'committed';
    });
    assert.deepEqual([result, happened], ['committed', ['last']]);
    await logging.close();
    const reports = lines().filter((line) =>
      JSON.stringify(line).includes('An effect after a commit failed'),
    );
    assert.equal(reports.length, 2);
  });
});
