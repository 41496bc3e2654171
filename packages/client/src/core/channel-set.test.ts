import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { TooManyChannelsError } from '../errors.ts';
import { ChannelSet, type SharedChannel } from './channel-set.ts';

interface FakeChannel extends SharedChannel {
  isOpen: boolean;
  size: number;
  hasServed: boolean;
}

const fresh = (): FakeChannel => ({ isOpen: true, size: 0, hasServed: false });

async function turns(): Promise<void> {
  for (let n = 0; n < 5; n += 1) await setImmediate();
}

test('a peer that ends channels at once is not called in a tight loop', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let opened = 0;
  let last: FakeChannel | undefined;
  const channels = new ChannelSet({
    open: async () => {
      opened += 1;
      last = fresh();
      return last;
    },
    longestWaitMs: 1_000,
  });
  let isWaiting = false;
  const call = (): void => {
    isWaiting = true;
    channels
      .connect((channel) => {
        channel.isOpen = false;
        isWaiting = false;
      })
      .catch(() => {});
  };
  // For a minute, a call as soon as the previous one has failed.
  for (let ms = 0; ms < 60_000; ms += 50) {
    if (!isWaiting) call();
    await turns();
    t.mock.timers.tick(50);
  }
  assert.ok(opened >= 10 && opened <= 40, `${opened} channels in a minute`);
  // A channel that serves ends the delays.
  while (isWaiting) {
    t.mock.timers.tick(50);
    await turns();
  }
  if (last !== undefined) last.hasServed = true;
  const before = opened;
  call();
  await turns();
  assert.equal(opened, before + 1);
  channels.close(() => {});
  await assert.rejects(channels.warm(), { code: 'AICO_CLIENT_CLOSED' });
});

test('callers share the channel that is being opened, up to its capacity; then another is opened', async () => {
  const opened: FakeChannel[] = [];
  const channels = new ChannelSet({
    open: async () => {
      await setImmediate();
      const channel = fresh();
      opened.push(channel);
      return channel;
    },
    longestWaitMs: 1_000,
  });
  const take = (channel: FakeChannel): void => {
    channel.size += 1;
  };
  await Promise.all(Array.from({ length: 70 }, () => channels.connect(take)));
  assert.deepEqual(
    opened.map(({ size }) => size),
    [32, 32, 6],
  );
});

test('a busy backend is called once more after the time it asks for', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let asked = 0;
  const open = async (): Promise<FakeChannel> => {
    asked += 1;
    if (asked === 1) throw new TooManyChannelsError(5);
    return fresh();
  };
  const patient = new ChannelSet({ open, longestWaitMs: 10_000 }).warm();
  await turns();
  t.mock.timers.tick(4_999);
  await turns();
  assert.equal(asked, 1);
  t.mock.timers.tick(1);
  await patient;
  assert.equal(asked, 2);
  asked = 0;
  await assert.rejects(new ChannelSet({ open, longestWaitMs: 1_000 }).warm(), {
    code: 'AICO_CLIENT_TOO_MANY_CHANNELS',
  });
});
