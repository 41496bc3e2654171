import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AicoError, problemFrom } from './index.ts';

class NoteMissingError extends AicoError {
  readonly statusCode: number;
  readonly issues = [{ path: 'params/id', message: 'is unknown' }, 'nonsense', { path: 1, message: 2 }];
  constructor(statusCode = 404) {
    super('AICO_TEST_NOTE', 'There is no such note', { hint: 'List them', cause: new Error('canary-cause') });
    this.statusCode = statusCode;
  }
}

describe('problemFrom()', () => {
  test('includes the message and hint of an error with a status below 500', () => {
    const problem = problemFrom(new NoteMissingError());
    assert.deepEqual(problem, {
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      detail: 'There is no such note',
      code: 'AICO_TEST_NOTE',
      hint: 'List them',
      errors: [{ path: 'params/id', message: 'is unknown' }],
    });
  });

  for (const [what, error] of [
    ['a foreign error', new Error('canary')],
    ['an error of ours without a status', new (class extends AicoError {})('AICO_TEST_X', 'canary')],
    ['a status of 500', new NoteMissingError(500)],
    ['a status that is none', new NoteMissingError(Number.NaN)],
    ['a status of success', new NoteMissingError(200)],
    ['a string', 'canary'],
    ['undefined', undefined],
  ] as const)
    test(`is constant for ${what}`, () => {
      const problem = problemFrom(error);
      assert.equal(problem.status, 500);
      assert.equal(problem.code, 'AICO_PROBLEM_INTERNAL');
      assert.doesNotMatch(JSON.stringify(problem), /canary|note/i);
    });

  test('includes neither cause nor stack', () => {
    assert.doesNotMatch(JSON.stringify(problemFrom(new NoteMissingError())), /canary|problem\.test/);
  });
});
