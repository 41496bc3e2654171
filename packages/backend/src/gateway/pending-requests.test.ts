import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { PendingRequests } from './pending-requests.ts';

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

test('answered requests are no longer pending, in any order; all others are', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 50 }), (order) => {
      const pending = new PendingRequests();
      const cut = new Set<ServerResponse>();
      const up = order.map((_, index) => {
        const response = responseOn(new Socket());
        response.destroy = () => {
          cut.add(response);
          return response;
        };
        pending.begin(response).mount = `mount-${index}`;
        return response;
      });
      for (const place of order) {
        const [response] = up.splice(place % up.length, 1);
        response?.emit('close');
        cut.clear();
        assert.equal(pending.cut().length, up.length);
        assert.deepEqual(cut, new Set(up));
      }
    }),
    { numRuns: 50 },
  );
});

test('a connection is idle when its last request was answered, including later ones, or is endless', async () => {
  const pending = new PendingRequests();
  const [socket, other] = [new Socket(), new Socket()];
  const [first, second, endless] = [responseOn(socket), responseOn(socket), responseOn(socket)];
  for (const response of [first, endless, responseOn(other)]) pending.begin(response);
  const idle = pending.whenIdle(socket);
  pending.noteEndless(endless);
  pending.begin(second);
  first.emit('close');
  assert.equal(await isResolved(idle), false);
  second.emit('close');
  assert.equal(await isResolved(idle), true);
});

test('an endless reply is neither awaited nor cut; it is ended with its mount', async () => {
  const pending = new PendingRequests();
  const response = responseOn(new Socket());
  pending.begin(response).mount = 'news';
  const answered = pending.allAnswered();
  assert.equal(await isResolved(answered), false);
  pending.noteEndless(response, () => response.emit('close'));
  assert.equal(await isResolved(answered), true);
  assert.deepEqual(pending.cut(), []);
  await pending.endMount('news');
  assert.equal(await isResolved(pending.whenIdle(response.req.socket)), true);
});
