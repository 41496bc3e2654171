import assert from 'node:assert/strict';
import { test } from 'node:test';
import { overfull } from './waiting-bytes.ts';

const none = { unread: 0, unsent: 0 };
const limits = { perDevice: { unread: 100, unsent: 1_000 }, total: { unread: 150, unsent: 1_500 } };

for (const [kind, scale] of [
  ['unread', 1],
  ['unsent', 10],
] as const) {
  const channel = (deviceId: string, bytes: number) => ({
    deviceId,
    waiting: () => ({ ...none, [kind]: bytes * scale }),
  });

  test(`${kind}: the fullest channel of a device above its limit is cut, and none of another`, () => {
    const [first, second, other] = [channel('a', 40), channel('a', 70), channel('b', 90)];
    assert.equal(overfull([first, second, other], limits), second);
    assert.equal(overfull([first, channel('a', 50)], limits), undefined);
  });

  test(`${kind}: if all devices together exceed the limit, the fullest channel of all is cut`, () => {
    const [first, second, third] = [channel('a', 60), channel('b', 50), channel('c', 55)];
    assert.equal(overfull([first, second, third], limits), first);
    assert.equal(overfull([first, second], limits), undefined);
  });
}
