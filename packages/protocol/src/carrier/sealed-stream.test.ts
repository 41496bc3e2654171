import assert from 'node:assert/strict';
import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import { test } from 'node:test';
import { openChannel } from '../channel/session/fixtures.ts';
import { sodiumSuite } from '../channel/suites/sodium-suite.ts';
import { SealedStream } from './sealed-stream.ts';

test('a connection that is reset cuts the channel, by a name that no client of HTTP takes for an end', async () => {
  const [near, far] = duplexPair();
  const { client, server } = openChannel(sodiumSuite);
  const [reader, writer] = [new SealedStream(near, client), new SealedStream(far, server)];
  writer.on('error', () => {});
  writer.write('a part of a body without a length');
  await once(reader, 'data');
  const failed = once(reader, 'error');
  near.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
  const [error] = (await failed) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'AICO_CHANNEL_TRUNCATED');
  assert.equal((error.cause as NodeJS.ErrnoException).code, 'ECONNRESET');
});
