/**
 * The wall clock can be set, and differs between machines: a duration measured by it, or a deadline compared with it, is
 * wrong by as much. Whatever measures time uses `performance.now()`. The files below read the wall clock for another reason,
 * which is given; any other use is a fault.
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const READS_WALL_CLOCK = /\bDate\.now\b|\bDate\.parse\b|\.getTime\(\)|\bnew Date\(\)\.valueOf\b/;

const STAMPS = 'says when something was, for people to read';
const KEPT = 'is kept on the disk, where no monotonic moment outlives a restart';
const SLEEPS =
  'notices that the machine slept, during which the monotonic clock may stand still; it only asks for a sign';

const NAMED = 'computes with a moment that a person named';

const ALLOWED: Readonly<Record<string, string>> = {
  'packages/backend/src/devices/device-registry.ts': STAMPS,
  'packages/backend/src/devices/device-routes.ts': STAMPS,
  'packages/backend/src/nodes/node-registry.ts': STAMPS,
  'packages/backend/src/plugins/nodes/node-routes.ts': STAMPS,
  'packages/backend/src/gateway/idempotency.ts': KEPT,
  'packages/backend/src/plugins/streams/streams-plugin.ts': KEPT,
  'packages/protocol/src/carrier/multiplexing/heartbeat.ts': SLEEPS,
  'packages/shared/src/core/bus/delivery/publisher.ts': STAMPS,
  'packages/protocol/src/timing/clock.ts': 'tells it to code that takes a clock',
  'packages/protocol/src/timing/moment.ts': NAMED,
  'packages/backend/src/plugins/log-store/log-routes.ts': NAMED,
  'packages/backend/src/plugins/audit/audit-routes.ts': NAMED,
  'packages/cli/src/commands/logs-source.ts': NAMED,
  'packages/shared/src/core/logging/installed.ts': STAMPS,
  'packages/shared/src/core/logging/logging.ts': STAMPS,
  'packages/shared/src/data/audit/audit-event.ts': STAMPS,
  'packages/shared/src/data/audit/audit-trail.ts': STAMPS,
  'packages/shared/src/data/writes/overdue-write.ts': STAMPS,
  'packages/shared/src/data/reads/readers.ts': STAMPS,
  'packages/shared/src/data/retention-clock.ts': KEPT,
  'packages/shared/src/data/streams/durable-streams.ts': KEPT,
  'packages/shared/src/security/unlocking/unlock-throttle.ts': KEPT,
};

test('no duration and no deadline is measured by the wall clock', () => {
  const root = new URL('../', import.meta.url);
  const sources = globSync('packages/*/src/**/*.ts', { cwd: root });
  assert.ok(sources.length > 100);
  const found = sources
    .filter((file) => !/\.test\.ts$|\/testing\/|\/fixture-|-suite(-\w+)?\.ts$/.test(file))
    .filter((file) => READS_WALL_CLOCK.test(readFileSync(new URL(file, root), 'utf8')));
  assert.deepEqual(
    found.filter((file) => !(file in ALLOWED)),
    [],
    'use performance.now(), or say here why not',
  );
});
