import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { Flights } from './flights.ts';

function responseOn(socket: Socket): ServerResponse {
  return new ServerResponse(new IncomingMessage(socket));
}

/** Whether it resolves in this turn of the loop. */
async function isResolved(promise: Promise<void>): Promise<boolean> {
  return Promise.race([
    promise.then(() => true),
    new Promise<false>((resolve) => setImmediate(resolve, false)),
  ]);
}

test('what has landed is in flight no longer, in whatever order; what has not is', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 50 }), (order) => {
      const flights = new Flights();
      const cut = new Set<ServerResponse>();
      const up = order.map((_, index) => {
        const response = responseOn(new Socket());
        response.destroy = () => {
          cut.add(response);
          return response;
        };
        flights.begin(response).mount = `mount-${index}`;
        return response;
      });
      for (const place of order) {
        const [response] = up.splice(place % up.length, 1);
        response?.emit('close');
        cut.clear();
        assert.equal(flights.cut().length, up.length);
        assert.deepEqual(cut, new Set(up));
      }
    }),
    { numRuns: 50 },
  );
});

test('a connection is idle when its last request has landed, also one that began meanwhile, or goes on without end', async () => {
  const flights = new Flights();
  const [socket, other] = [new Socket(), new Socket()];
  const [first, second, endless] = [responseOn(socket), responseOn(socket), responseOn(socket)];
  for (const response of [first, endless, responseOn(other)]) flights.begin(response);
  const idle = flights.whenIdle(socket);
  flights.noteEndless(endless);
  flights.begin(second);
  first.emit('close');
  assert.equal(await isResolved(idle), false);
  second.emit('close');
  assert.equal(await isResolved(idle), true);
});

test('nobody waits for what turned out to have no end, nor is it cut; it is ended with its mount', async () => {
  const flights = new Flights();
  const response = responseOn(new Socket());
  flights.begin(response).mount = 'news';
  const landed = flights.landed();
  assert.equal(await isResolved(landed), false);
  flights.noteEndless(response, () => response.emit('close'));
  assert.equal(await isResolved(landed), true);
  assert.deepEqual(flights.cut(), []);
  await flights.endMount('news');
  assert.equal(await isResolved(flights.whenIdle(response.req.socket)), true);
});
