import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counted } from './counted.ts';

test('counted() uses singular and plural', () => {
  assert.equal(counted(0, 'message'), '0 messages');
  assert.equal(counted(1, 'message'), '1 message');
  assert.equal(counted(2, 'message'), '2 messages');
  assert.equal(counted(1, 'reply', 'replies'), '1 reply');
  assert.equal(counted(21, 'reply', 'replies'), '21 replies');
  assert.equal(counted(1.5, 'second'), '1.5 seconds');
});
