import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameWriter } from '@aico/shared/core/bus/frames';
import { frameBatch } from '../../../test/fixtures/frame-batch.ts';
import { Rights } from '../grants/rights.ts';
import { RemoteSubscription } from '../queues/remote-subscription.ts';
import { OpenRequests } from './open-requests.ts';
import { Session } from './session.ts';

/** Fails while it writes, as for lack of memory. */
class FailingWriter extends FrameWriter {
  failures = 0;

  override copy(...args: Parameters<FrameWriter['copy']>): void {
    super.copy(...args);
    if (this.failures === 0) return;
    this.failures -= 1;
    throw new RangeError('no memory');
  }
}

test('a write failure for one client is reported, leaves nothing in the writer, and is not retried', () => {
  const writer = new FailingWriter();
  const failures: unknown[] = [];
  const open = (component: string, sent: Buffer[]) => {
    const session = new Session({
      routingId: Buffer.alloc(32),
      client: '0'.repeat(16),
      rights: new Rights(component, [], ['a.*']),
      window: 65_536,
      receiveWindow: 65_536,
      queueBytes: 65_536,
      writer,
      openRequests: new OpenRequests(),
      send: (frame) => void sent.push(frame),
      onFailure: (error) => failures.push(error),
    });
    const content = { id: 1, pattern: 'a.*', limit: 10, overflow: 'drop-oldest' } as const;
    const subscription = new RemoteSubscription(content, session.queues);
    session.subscriptions.set(1, subscription);
    return { session, subscription };
  };
  const unlucky: Buffer[] = [];
  const lucky: Buffer[] = [];
  const one = open('one', unlucky);
  const two = open('two', lucky);
  one.subscription.push(frameBatch('"for one"'));
  two.subscription.push(frameBatch('"for two"'));
  writer.failures = 1;
  one.session.queues.flush();
  assert.equal(failures.length, 1);
  assert.deepEqual([writer.isEmpty, one.subscription.queued, unlucky.length], [true, 0, 0]);
  two.session.queues.flush();
  one.session.queues.flush();
  assert.deepEqual([failures.length, unlucky.length, lucky.length], [1, 0, 1]);
  assert.ok(lucky[0]?.includes('for two') && !lucky[0].includes('for one'));
});
