import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PayloadInvalidError, RequestFailedError, RequestGivenUpError } from '../errors.ts';
import type { WithPair } from './transport-pair.ts';

/** The tests of requests in the acceptance suite. */
export function requestTests(withPair: WithPair): void {
  test('a request is answered with the return value of the responder, which may be undefined', () =>
    withPair(async (pair) => {
      await pair.subscriber.respond('add.*', (_topic, message, { source }) => ({ message, source }));
      await pair.subscriber.respond('nothing', () => {});
      assert.deepEqual(await pair.publisher.request('add.x', [1]), { message: [1], source: 'publisher' });
      assert.equal(await pair.publisher.request('nothing', 1), undefined);
    }));

  test('a request that no responder answers fails immediately, even if other clients subscribe to its topic', () =>
    withPair(async (pair) => {
      await pair.record('>');
      const unanswered = { code: 'AICO_BUS_NO_RESPONDER', topic: 'ask.x' };
      const asked = pair.publisher.request('ask.x', 1, { timeoutMs: 600_000 });
      await assert.rejects(asked, unanswered);
      const responder = await pair.subscriber.respond('ask.*', () => 'the answer');
      assert.equal(await pair.publisher.request('ask.x', 1), 'the answer');
      await responder.unsubscribe();
      await assert.rejects(pair.publisher.request('ask.x', 1, { timeoutMs: 600_000 }), unanswered);
    }));

  test('no wildcard subscription receives answers or cancellations', () =>
    withPair(async (pair) => {
      const heard: string[] = [];
      await pair.subscriber.subscribe('>', (topic) => void heard.push(topic));
      await pair.subscriber.subscribe('*.ask', (topic) => void heard.push(topic));
      await pair.subscriber.respond('ask', () => 'the answer');
      assert.equal(await pair.publisher.request('ask', 1), 'the answer');
      await assert.rejects(pair.publisher.request('unanswered', 1, { timeoutMs: 0 }));
      await pair.record('end');
      await pair.publisher.publish('end', 1);
      await pair.count(1);
      assert.deepEqual(
        heard.filter((topic) => topic.startsWith('_')),
        [],
      );
    }));

  test('each of many concurrent requests gets its own answer', () =>
    withPair(async (pair) => {
      await pair.subscriber.respond('echo', (_topic, message) => message);
      const asked = Array.from({ length: 200 }, (_, n) => n);
      assert.deepEqual(await Promise.all(asked.map((n) => pair.publisher.request('echo', n))), asked);
    }));

  test('a responder that fails sends only the code of its error', () =>
    withPair(async (pair) => {
      await pair.subscriber.respond('bad', () => {
        throw new PayloadInvalidError('canary', [{ path: '/canary', message: 'canary' }]);
      });
      await pair.subscriber.respond('worse', () => Promise.reject(new Error('canary')));
      const refused = { code: 'AICO_BUS_REQUEST_FAILED', remoteCode: 'AICO_BUS_PAYLOAD' };
      await assert.rejects(pair.publisher.request('bad', 1), refused);
      await assert.rejects(pair.publisher.request('worse', 1), (error) => {
        assert.ok(error instanceof RequestFailedError);
        assert.equal(error.remoteCode, undefined);
        assert.doesNotMatch(error.message, /canary/);
        return true;
      });
    }));

  test("cancelling a request aborts the responder's signal", () =>
    withPair(async (pair) => {
      const began = Promise.withResolvers<void>();
      const told = Promise.withResolvers<unknown>();
      await pair.subscriber.respond('long', async (_topic, _message, { signal }) => {
        signal.addEventListener('abort', () => told.resolve(signal.reason));
        began.resolve();
        await told.promise;
      });
      const controller = new AbortController();
      const asked = pair.publisher.request('long', 1, { signal: controller.signal });
      asked.catch(() => {});
      await began.promise;
      const reason = new Error('enough');
      controller.abort(reason);
      await assert.rejects(asked, reason);
      const error = await told.promise;
      assert.ok(error instanceof RequestGivenUpError);
      assert.equal(error.topic, 'long');
    }));

  test("a request's deadline reaches the responder", () =>
    withPair(async (pair) => {
      const told = Promise.withResolvers<unknown>();
      await pair.subscriber.respond('late', (_topic, _message, { signal }) => {
        signal.addEventListener('abort', () => told.resolve(signal.reason));
        return told.promise;
      });
      await assert.rejects(pair.publisher.request('late', 1, { timeoutMs: 200 }), {
        code: 'AICO_BUS_REQUEST_TIMEOUT',
      });
      assert.ok((await told.promise) instanceof RequestGivenUpError);
    }));

  test('drain() finishes the requests being answered and the pending requests', () =>
    withPair(async (pair) => {
      const gate = Promise.withResolvers<void>();
      const began = Promise.withResolvers<void>();
      await pair.publisher.respond('second', async () => {
        began.resolve();
        await gate.promise;
        return 'done';
      });
      await pair.subscriber.respond('first', () => pair.subscriber.request('second', 1));
      const asked = pair.publisher.request('first', 1);
      await began.promise;
      const drained = pair.subscriber.drain();
      gate.resolve();
      await drained;
      assert.equal(await asked, 'done');
    }));
}
