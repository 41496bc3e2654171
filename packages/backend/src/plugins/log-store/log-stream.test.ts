import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogRecord } from '@aico/shared/core/logging';
import fc from 'fast-check';
import { record, withStore } from '../../../test/fixtures/log-store.ts';
import type { LogQuery } from './log-query.ts';
import { isSelected } from './log-record.ts';
import { lineEvents } from './log-stream.ts';

test('a reader of its events has every line that its filter selects once, in order, wherever it stops and resumes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ batch: fc.integer({ min: 0, max: 250 }), isRead: fc.boolean() }), {
        maxLength: 6,
      }),
      fc.constantFrom<LogQuery>(
        {},
        { text: 'seven' },
        { minLevel: 'warn' },
        { component: 'b', text: 'seven' },
      ),
      (steps, filter) =>
        withStore(async ({ log, store }) => {
          const lines: LogRecord[] = [];
          const read: number[] = [];
          let at = 0;
          const readOn = async (): Promise<void> => {
            // A source of its own each time, as after a restart.
            const events = lineEvents(store, filter);
            for (let next = await events.after(at); next.last > at; next = await events.after(at)) {
              read.push(...next.events.map(({ number }) => number));
              at = next.last;
            }
          };
          for (const { batch, isRead } of steps) {
            for (let n = 0; n < batch; n += 1) {
              const level = n % 5 === 0 ? 'warn' : 'info';
              const message = n % 7 === 0 ? 'number seven' : 'another';
              lines.push(record({ level, message, component: n % 2 === 0 ? 'a' : 'b' }));
              log(lines.at(-1) ?? assert.fail());
            }
            await store.flush();
            if (isRead) await readOn();
          }
          await readOn();
          const expected = lines.flatMap((line, index) => (isSelected(line, filter) ? [index + 1] : []));
          assert.deepEqual(read, expected);
        }),
    ),
    { numRuns: 12 },
  );
});
