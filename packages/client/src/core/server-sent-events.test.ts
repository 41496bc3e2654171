import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ConnectionBrokenError } from '../errors.ts';
import { serverSentEvents } from './server-sent-events.ts';

async function collect(
  chunks: readonly Uint8Array[],
  failure?: Error,
): Promise<{ event: string; data: string }[]> {
  const body = ReadableStream.from(
    (async function* () {
      yield* chunks;
      if (failure !== undefined) throw failure;
    })(),
  );
  const events: { event: string; data: string }[] = [];
  for await (const { event = 'message', data } of serverSentEvents(new Response(body)))
    events.push({ event, data });
  return events;
}

const STREAM =
  ': following\n\nevent: log\ndata: {"a":"ü"}\n\ndata:x\ndata: y\n\r\nid: 7\n\nevent: dropped\ndata: 1\n\n';
const EVENTS = [
  { event: 'log', data: '{"a":"ü"}' },
  { event: 'message', data: 'x\ny' },
  { event: 'dropped', data: '1' },
];

describe('serverSentEvents()', () => {
  test('yields the same events for chunks of any size', async () => {
    const bytes = new TextEncoder().encode(STREAM);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: bytes.length })), async (cuts) => {
        const bounds = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
        const chunks = bounds.slice(1).map((end, index) => bytes.subarray(bounds[index], end));
        assert.deepEqual(await collect(chunks.filter(({ length }) => length > 0)), EVENTS);
      }),
      { numRuns: 50 },
    );
  });

  test('drops an incomplete event', async () => {
    assert.deepEqual(await collect([new TextEncoder().encode('data: 1\n\ndata: {"ha')]), [
      { event: 'message', data: '1' },
    ]);
  });

  test('reports a broken connection after the events before it', async () => {
    const events = collect([new TextEncoder().encode('data: 1\n\n')], new Error('reset'));
    await assert.rejects(events, ConnectionBrokenError);
  });
});
