import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import { Logging } from '@aico/shared/core/logging';
import { PeerGuard } from './peer-guard.ts';

class Connection extends EventEmitter {
  ended: Error | undefined;
  destroy(error?: Error): void {
    this.ended ??= error;
  }
}

function makeGuard() {
  const logging = new Logging({ console: { enabled: false } });
  return { guard: new PeerGuard(logging.getLogger('test', 'guard')) };
}

test('an error thrown by a listener ends its connection, and every listener gets the close event', () => {
  const { guard } = makeGuard();
  const connection = guard.watch(guard.watch(new Connection()));
  let closes = 0;
  connection.on('data', () => {
    throw new Error('a bug');
  });
  connection.on('close', () => {
    throw new Error('another');
  });
  connection.on('close', () => (closes += 1));
  assert.equal(connection.emit('data', 'bytes'), true);
  assert.equal(connection.ended?.message, 'a bug');
  connection.emit('close');
  assert.equal(closes, 1);
  assert.equal(guard.failures, 2);
});

test('an error event without a listener ends its connection', () => {
  const { guard } = makeGuard();
  const connection = guard.watch(new Connection());
  connection.emit('error', new Error('cut'));
  assert.equal(connection.ended?.message, 'cut');
});

test('a later failure of work that a listener started is contained; other failures are not', async () => {
  const { guard } = makeGuard();
  const connection = guard.watch(new Connection());
  const contained = new EventEmitter();
  connection.on('data', () => {
    setImmediate(() => contained.emit('done', guard.contain(new Error('of a timer'))));
  });
  const done = once(contained, 'done');
  connection.emit('data');
  assert.deepEqual(await done, [true]);
  assert.equal(connection.ended?.message, 'of a timer');
  assert.equal(guard.contain(new Error('of the process')), false);
});

test('a callback and a promise that is not awaited can be guarded explicitly', async () => {
  const { guard } = makeGuard();
  const connection = new Connection();
  const failing = (): boolean => {
    throw new Error('no');
  };
  assert.equal(guard.call(connection, failing, false), false);
  assert.equal(
    guard.call(connection, () => true, false),
    true,
  );
  guard.detach(connection, Promise.reject(new Error('later')));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(guard.failures, 2);
});
