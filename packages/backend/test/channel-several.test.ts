/** The guarantees of several HTTP connections in one channel. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import { pair } from './fixtures/channel.ts';
import { ChannelAgent } from './fixtures/channel-agent.ts';
import { Device, replyOf, startWorld } from './fixtures/through-channel.ts';

test('concurrent requests share a channel, and one that hangs does not delay the others', async (t) => {
  const channels = (): unknown => backend.container.getService('channel').healthCheck();
  const { backend, busyDevice } = await startWorld(t, (app) => {
    app.get('/never', () => new Promise(() => {}));
    app.get('/:n', ({ params }) => params);
  });
  const phone = await busyDevice(16);
  const hanging = phone.begin('/api/v1/test/never').end();
  hanging.on('error', () => {});
  const replies = await Promise.all(Array.from({ length: 50 }, (_, n) => phone.ask(`/api/v1/test/${n}`)));
  assert.deepEqual(
    replies.map((reply) => reply.json()),
    Array.from({ length: 50 }, (_, n) => ({ n: `${n}` })),
  );
  assert.deepEqual(channels(), { status: 'healthy', data: { channels: 1 } });
  hanging.destroy();
});

test('a connection above the limit is reset, and the others continue', async (t) => {
  const gate = new EventEmitter();
  const { busyDevice } = await startWorld(
    t,
    (app) => {
      app.get('/slow', async () => once(gate, 'open'));
      app.get('/', () => 'quick');
    },
    { config: { 'core.channel.max_connections_per_channel': 2 } },
  );
  const phone = await busyDevice(3);
  const slow = phone.ask('/api/v1/test/slow');
  assert.equal((await phone.ask('/api/v1/test/')).body.toString(), 'quick');
  const channel = await phone.agent.channel();
  const extra = channel.stream();
  extra.write('GET / HTTP/1.1\r\n');
  await assert.rejects(once(extra, 'data'), { code: 'AICO_CHANNEL_TRUNCATED' });
  gate.emit('open', 'done');
  assert.deepEqual((await slow).json(), ['done']);
});

test('an idle channel is ended after its timeout, and not while a request is in flight', async (t) => {
  const { backend } = await startWorld(
    t,
    (app) => {
      app.get('/slow', async () => {
        await new Promise((resolve) => setTimeout(resolve, 250));
        return 'late';
      });
    },
    { config: { 'core.channel.idle_ms': 100 } },
  );
  const phone = new Device(new ChannelAgent(backend.http, await pair(backend)));
  t.after(() => phone.agent.destroy());
  const channel = await phone.agent.channel();
  const ended = once(channel.carrier, 'close');
  assert.equal((await phone.ask('/api/v1/test/slow')).body.toString(), 'late');
  await ended;
  assert.equal(channel.size, 0);
});

test('a stop answers pending requests on every connection', async (t) => {
  let waiting = 0;
  let answer = (): void => {};
  const asked = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const all = Promise.withResolvers<void>();
  const { backend, busyDevice } = await startWorld(t, (app) => {
    app.get('/', async () => {
      waiting += 1;
      if (waiting === 8) all.resolve();
      await asked;
      return 'answered';
    });
  });
  const phone = await busyDevice(8);
  const replies = Array.from({ length: 8 }, () => phone.ask('/api/v1/test/'));
  await all.promise;
  const stopped = backend.stop();
  answer();
  for (const reply of await Promise.all(replies)) assert.equal(reply.body.toString(), 'answered');
  await stopped;
});

test('frames that violate the protocol end the channel of their sender and no other', async (t) => {
  const { device } = await startWorld(t, (app) => {
    app.get('/', () => 'served');
  });
  const [hostile, other] = [await device(), await device()];
  assert.equal((await hostile.ask('/api/v1/test/')).body.toString(), 'served');
  const { carrier } = await hostile.agent.channel();
  const closed = new Promise((resolve) => carrier.once('close', resolve));
  carrier.write(Buffer.from('00000009ff0000', 'hex'));
  await closed;
  assert.equal((await other.ask('/api/v1/test/')).body.toString(), 'served');
  assert.equal((await replyOf(hostile.begin('/api/v1/test/').end())).body.toString(), 'served');
});
