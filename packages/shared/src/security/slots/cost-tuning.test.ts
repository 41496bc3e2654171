import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { COST_FLOOR, costProblem, type PasswordCost } from '../passwords/password-key.ts';
import { tunePasswordCost } from './cost-tuning.ts';

/** A machine that takes `msPerMiB` milliseconds for one pass over one MiB. */
const machine = (msPerMiB: number) => {
  const measured: PasswordCost[] = [];
  const timeOf = ({ memoryKiB, passes }: PasswordCost) => (memoryKiB / 1024) * passes * msPerMiB;
  const measure = async (cost: PasswordCost) => {
    measured.push(cost);
    return timeOf(cost);
  };
  return { measured, timeOf, measure };
};
const MUCH = 64 * 2 ** 30;

test('the cost takes this machine about half a second, with as much memory as possible', async () => {
  const { measured, timeOf, measure } = machine(0.4);
  const cost = await tunePasswordCost({ measure, freeBytes: MUCH });
  assert.deepEqual(cost, { memoryKiB: 256 * 1024, passes: 5, lanes: 1 });
  assert.ok(Math.abs(timeOf(cost) - 500) < 100);
  assert.equal(measured.length, 2);
});

test('no more than the free memory is used, and passes are added instead', async () => {
  const cost = await tunePasswordCost({ measure: machine(0.4).measure, freeBytes: 600 * 2 ** 20 });
  assert.deepEqual(cost, { memoryKiB: 64 * 1024, passes: 20, lanes: 1 });
});

test('on any machine the cost is within the limits, and tuning is short', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.double({ min: 0.001, max: 100, noNaN: true }),
      fc.integer({ min: 0, max: MUCH }),
      async (msPerMiB, freeBytes) => {
        const { measured, timeOf, measure } = machine(msPerMiB);
        const cost = await tunePasswordCost({ measure, freeBytes });
        assert.equal(costProblem(cost), undefined);
        const floorMs = timeOf(COST_FLOOR);
        assert.ok(timeOf(cost) <= Math.max(floorMs, 500 * 1.5));
        assert.ok(measured.reduce((sum, each) => sum + timeOf(each), 0) <= Math.max(floorMs, 750));
      },
    ),
  );
});

test('a cost measured on this machine is accepted', async () => {
  assert.equal(costProblem(await tunePasswordCost({ targetMs: 1 })), undefined);
});
