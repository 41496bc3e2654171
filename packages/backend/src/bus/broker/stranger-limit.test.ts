import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameType } from '@aico/shared/core/bus/frames';
import { TestBroker } from '../../../test/fixtures/broker.ts';
import { RawPeer } from '../../../test/fixtures/raw-peer.ts';
import { FRAMES_BEFORE_WELCOME, StrangerLimit } from './stranger-limit.ts';

test('a granted component that sends HELLO or PING without end gets few answers, and others can connect', async (t) => {
  const broker = await TestBroker.start({ flood: {}, good: { publish: ['a'] } });
  t.after(() => broker.stop());
  const keys = broker.secrets.get('flood');
  const peer = new RawPeer({ endpoint: broker.endpoint, serverKey: broker.keys.publicKey, keys });
  t.after(() => peer.close());
  for (let n = 0; n < 2_000; n += 1)
    if (n % 2 === 0) await peer.sayHello('flood');
    else await peer.send(Buffer.of(FrameType.PING));
  const good = await broker.client('good');
  await good.publish('a', 1);
  assert.ok(peer.frames.length <= FRAMES_BEFORE_WELCOME, `${peer.frames.length} answers`);
});

test('frames before WELCOME are limited per connection and in all, over time', () => {
  let now = 0;
  const limit = new StrangerLimit(() => now);
  const admitted = (connections: number, frames: number): number => {
    let count = 0;
    for (let frame = 0; frame < frames; frame += 1)
      for (let n = 0; n < connections; n += 1) if (limit.admit(`${now} ${n}`)) count += 1;
    return count;
  };
  assert.equal(admitted(1, 1_000), FRAMES_BEFORE_WELCOME);
  assert.equal(admitted(3_000, 2), 2_048 - FRAMES_BEFORE_WELCOME);
  now = 1_000;
  assert.equal(admitted(3_000, 1), 1_000);
});
