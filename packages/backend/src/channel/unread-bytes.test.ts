import assert from 'node:assert/strict';
import { test } from 'node:test';
import { overfull } from './unread-bytes.ts';

const channel = (deviceId: string, bytes: number) => ({ deviceId, bytes, unread: () => bytes });
const limits = { perDevice: 100, total: 150 };

test('the fullest channel of a device beyond its bound is cut, and none of another', () => {
  const [first, second, other] = [channel('a', 40), channel('a', 70), channel('b', 90)];
  assert.equal(overfull([first, second, other], limits), second);
  assert.equal(overfull([first, channel('a', 50)], limits), undefined);
});

test('where all devices together are beyond the bound, the fullest channel of all is cut', () => {
  const [first, second, third] = [channel('a', 60), channel('b', 50), channel('c', 55)];
  assert.equal(overfull([first, second, third], limits), first);
  assert.equal(overfull([first, second], limits), undefined);
});
