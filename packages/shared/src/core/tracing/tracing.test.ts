import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { MessageBusClient } from '../bus/index.ts';
import { createLogging, type LogRecord } from '../logging/index.ts';
import {
  continueTrace,
  currentTraceparent,
  currentWork,
  parseTraceparent,
  TraceStep,
  Work,
  withPlugin,
  withTraceparent,
  withWork,
} from './index.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = `00-${TRACE}-b7ad6b7169203331-01`;
const OTHER = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-00`;

test('parseTraceparent() accepts exactly the values that W3C Trace Context allows', () => {
  assert.deepEqual(parseTraceparent(PARENT), { traceId: TRACE, spanId: 'b7ad6b7169203331', flags: '01' });
  assert.equal(parseTraceparent(`cc${PARENT.slice(2)}-what-comes-later`)?.traceId, TRACE);
  for (const wrong of [
    '',
    `ff${PARENT.slice(2)}`,
    `${PARENT}-more`,
    `cc${PARENT.slice(2)}more`,
    PARENT.toUpperCase(),
    PARENT.replace(TRACE, '0'.repeat(32)),
    PARENT.replace('b7ad6b7169203331', '0'.repeat(16)),
    PARENT.slice(0, -1),
    `${PARENT}\n`,
    `cc${PARENT.slice(2)}-${'a'.repeat(1_000)}`,
  ])
    assert.equal(parseTraceparent(wrong), undefined, wrong);
});

test('continueTrace() continues the received trace with a new span id, or begins a trace with the given id', () => {
  const next = parseTraceparent(continueTrace(PARENT));
  assert.deepEqual([next?.traceId, next?.flags], [TRACE, '01']);
  assert.notEqual(next?.spanId, 'b7ad6b7169203331');
  const id = randomUUID();
  for (const received of [undefined, 'nonsense'])
    assert.equal(parseTraceparent(continueTrace(received, id))?.traceId, id.replaceAll('-', ''));
});

test('currentTraceparent() returns the span that continueTrace() made, whenever it is called', () => {
  const id = randomUUID();
  for (const received of [undefined, 'nonsense', PARENT]) {
    const step = new TraceStep(received, id);
    const expected = continueTrace(received, id);
    withWork(new Work(step, {}), () => {
      assert.equal(currentWork()?.context?.traceId, expected.slice(3, 35));
      assert.equal(currentTraceparent(), expected);
      withTraceparent(OTHER, () => assert.equal(currentTraceparent(), OTHER));
    });
    assert.equal(step.traceparent, expected);
  }
  const step = new TraceStep(undefined);
  assert.equal(step.traceparent, step.traceparent);
});

test('a message carries the trace of its publisher to its handlers and to the messages they publish', async (t) => {
  const bus = new MessageBusClient({ source: 'test', owns: ['logging'] });
  await bus.connect();
  t.after(() => bus.close());
  const heard: (readonly [topic: string, traceparent: string | undefined, within: string | undefined])[] = [];
  await bus.subscribe('>', async (topic, _message, { traceparent }) => {
    heard.push([topic, traceparent, currentTraceparent()]);
    if (topic.endsWith('.first')) await bus.publish('a.second', 1);
  });
  // In one burst, so that messages of different traces could end up in one batch.
  const all = [
    bus.publish('plain.first', 1),
    withTraceparent(PARENT, () => bus.publish('a.first', 1)),
    withTraceparent(OTHER, () => bus.publish('a.first', 1)),
    bus.publish('a.first', 1),
    bus.publish('a.first', 1),
    bus.publish('a.given', 1, { traceparent: PARENT }),
  ];
  await Promise.all(all);
  while (heard.length < 11) await new Promise(setImmediate);
  for (const [, traceparent, within] of heard) assert.equal(within, traceparent);
  const of = (topic: string) =>
    heard.filter(([each]) => each === topic).map(([, traceparent]) => traceparent);
  assert.deepEqual(of('plain.first'), [undefined]);
  assert.deepEqual(of('a.first'), [PARENT, OTHER, undefined, undefined]);
  assert.deepEqual(of('a.second').sort(), [PARENT, OTHER, undefined, undefined, undefined].sort());
  assert.deepEqual(of('a.given'), [PARENT]);
});

test('a log line has the ids of its trace, and its message on the bus has no trace', async (t) => {
  const logging = createLogging({ console: { enabled: false } });
  const bus = new MessageBusClient({ source: 'test', owns: ['logging'] });
  await bus.connect();
  t.after(() => bus.close());
  const lines: [LogRecord, string | undefined][] = [];
  await bus.subscribe('logs.*', (_topic, record, { traceparent }) => {
    lines.push([record as LogRecord, traceparent]);
  });
  logging.attach(bus);
  const logger = logging.getLogger('notes', 'test').child({ part: 'x' });
  withTraceparent(PARENT, () => logger.info('Within', { n: 1 }));
  logger.info('Without');
  await logging.flush();
  while (lines.length < 2) await new Promise(setImmediate);
  assert.deepEqual(
    lines.map(([{ fields, context }, traceparent]) => [fields, context, traceparent]),
    [
      [{ part: 'x', n: 1 }, { traceId: TRACE }, undefined],
      [{ part: 'x' }, undefined, undefined],
    ],
  );
});

test('a context is preserved across promises, timers and callbacks, and nested contexts add to it', async () => {
  const contextOf = async () => {
    await new Promise(setImmediate);
    return currentWork()?.context;
  };
  const work = new Work(PARENT, { requestId: 'r1', device: 'd1' });
  const inPlugin = await withWork(work, () => withPlugin('inbox', contextOf));
  assert.deepEqual(inPlugin, { requestId: 'r1', traceId: TRACE, plugin: 'inbox', device: 'd1' });
  const inOther = await withWork(work, () => withPlugin('inbox', () => withPlugin('mail', contextOf)));
  assert.equal(inOther?.plugin, 'mail');
  const elsewhere = await withPlugin('inbox', () => withTraceparent(undefined, contextOf));
  assert.deepEqual(elsewhere, { plugin: 'inbox' });
  assert.equal(await contextOf(), undefined);
});
