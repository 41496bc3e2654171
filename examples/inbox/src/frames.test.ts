import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FramesBrokenError } from './errors.ts';
import { joinFrames, splitFrames } from './frames.ts';

test('splitFrames() returns the parts that joinFrames() joined', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array()), (messages) => {
      assert.deepEqual(
        splitFrames(joinFrames(messages)).map((frame) => [...frame]),
        messages.map((message) => [...message]),
      );
    }),
  );
});

test('splitFrames() splits arbitrary bytes completely, or refuses them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const body = Buffer.from(bytes);
      try {
        assert.deepEqual(joinFrames(splitFrames(body)), body);
      } catch (error) {
        assert.ok(error instanceof FramesBrokenError);
      }
    }),
  );
});

test('splitFrames() refuses a body that is truncated at any position', () => {
  const body = joinFrames([Buffer.from('one'), Buffer.from('two')]);
  for (let end = 1; end < body.length; end += 1) {
    if (end === 7) continue;
    assert.throws(() => splitFrames(body.subarray(0, end)), FramesBrokenError, `cut at ${end}`);
  }
});
