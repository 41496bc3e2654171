import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { reportActivity, reportProgress } from '@aico/shared/core/tasks';
import { fixture } from '../../../test/fixtures/journal.ts';
import { ServiceContainer } from './service-container.ts';

const a = fixture('a');
const TIMEOUT_MS = 200;

function containerOf(start: () => Promise<void>): ServiceContainer {
  const container = new ServiceContainer({ onEvent: () => undefined, startTimeoutMs: TIMEOUT_MS });
  container.registerService(a, () => ({ start }));
  return container;
}

describe('the deadline of a start', () => {
  test('limits the time without progress: a start that reports progress may take any time', async () => {
    const beganAt = performance.now();
    const container = containerOf(async () => {
      for (let n = 0; n < 10; n += 1) {
        await delay(TIMEOUT_MS / 4);
        reportProgress(`${n} of 10`);
      }
    });
    await container.start();
    assert.ok(performance.now() - beganAt > 2 * TIMEOUT_MS);
    await container.stop();
  });

  test('ends a start without progress, and names the last progress', async () => {
    const container = containerOf(async () => {
      reportProgress('the third of ten rows was moved');
      await new Promise(() => undefined);
    });
    await assert.rejects(container.start(), (error: Error) => {
      const cause = error.cause instanceof Error ? error.cause : error;
      assert.match(
        cause.message,
        /did not get anything done for 200 ms; at last the third of ten rows was moved/,
      );
      return true;
    });
  });

  test('counts computing during a silent call as progress, but not waiting', async () => {
    let told = 0;
    const container = containerOf(async () => {
      await reportActivity('waits', new Promise(() => undefined));
      told += 1;
    });
    await assert.rejects(container.start(), { code: 'AICO_SERVICE_START_TIMEOUT' });
    assert.equal(told, 0);
  });
});
