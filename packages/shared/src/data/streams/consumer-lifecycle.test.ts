import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setUp } from '../../../test/fixtures/streams.ts';
import type { ConsumeOptions } from '../../core/bus/index.ts';

describe('a consumer', () => {
  test('that is stopped twice does not stop its successor of the same name', async (t) => {
    const { open } = await setUp(t);
    const { bus, streams } = await open();
    const first = await bus.consume('a.b', 'c', () => {});
    await Promise.all([first.stop(), first.stop()]);
    const heard = Promise.withResolvers<unknown>();
    await bus.consume('a.b', 'c', (_topic, message) => heard.resolve(message));
    await first.stop();
    await assert.rejects(
      bus.consume('a.b', 'c', () => {}),
      { code: 'AICO_STREAM_CONSUMER_TAKEN' },
    );
    await assert.rejects(streams.forget('c'), { code: 'AICO_STREAM_CONSUMER_STATE' });
    await bus.publish('a.b', 'x', { durable: true });
    assert.equal(await heard.promise, 'x');
  });

  test('that is stopped counts as idle', async (t) => {
    const { open } = await setUp(t);
    const { bus } = await open();
    const consumption = await bus.consume('a.b', 'c', () => {});
    await Promise.all([consumption.stop(), consumption.whenIdle()]);
    await consumption.whenIdle();
  });

  test('that is started while the bus closes or its store stops does not keep running', async (t) => {
    const { open } = await setUp(t);
    const { bus, streams } = await open();
    const begun = bus.consume('a.b', 'c', () => {});
    const [outcome] = await Promise.allSettled([begun, bus.close()]);
    assert.equal(outcome.status === 'rejected' && outcome.reason.code, 'AICO_BUS_NOT_CONNECTED');
    assert.equal((await streams.figures()).consumers[0]?.running, false);

    const other = await open();
    const late = other.bus.consume('a.b', 'd', () => {});
    await other.streams.stop();
    await assert.rejects(late, { code: 'AICO_STREAM_STOPPED' });
    await assert.rejects(
      other.bus.consume('a.b', 'e', () => {}),
      { code: 'AICO_STREAM_STOPPED' },
    );
    const { consumers } = await other.streams.figures();
    assert.ok(consumers.every(({ running }) => !running));
  });

  test('is refused with options under which it would make no progress', async (t) => {
    const { open } = await setUp(t);
    const { bus } = await open();
    const numbers = [Number.NaN, -1, 0.5, Number.POSITIVE_INFINITY, 1e300];
    const refused: [option: string, ConsumeOptions][] = [
      ...numbers.map((from): [string, ConsumeOptions] => ['from', { from }]),
      ...[...numbers, 0].map((maxInFlight): [string, ConsumeOptions] => ['maxInFlight', { maxInFlight }]),
      ...[...numbers, 0].map((maxAttempts): [string, ConsumeOptions] => ['maxAttempts', { maxAttempts }]),
      ...numbers.map((retryDelayMs): [string, ConsumeOptions] => ['retryDelayMs', { retryDelayMs }]),
    ];
    for (const [option, options] of refused)
      await assert.rejects(
        bus.consume('a.b', 'c', () => {}, options),
        { code: 'AICO_BUS_OPTION', option },
      );
    for (const name of ['', 'x\0y', 'half \ud800', 'line\nline', 'x'.repeat(129), 'journal/mailer'])
      await assert.rejects(
        bus.consume('a.b', name, () => {}),
        { code: 'AICO_BUS_OPTION', option: 'consumer' },
      );
  });
});
