import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemFrom, TopicInvalidError } from '@aico/protocol';
import { Check } from 'typebox/value';
import { ProblemSchema } from './problem-schema.ts';

test('the schema of a problem accepts what problemFrom() makes of an error', () => {
  const issues = [{ path: 'params/id', message: 'is unknown' }];
  const errors = [
    new TopicInvalidError('', 'is empty'),
    Object.assign(new TopicInvalidError('', 'is empty'), { issues }),
  ];
  for (const error of [...errors, new Error('unknown'), 'text', undefined])
    assert.ok(Check(ProblemSchema, problemFrom(error)));
});
