import { randomBytes } from 'node:crypto';
import os from 'node:os';
import { argon2id, COST_FLOOR, type PasswordCost } from '../passwords/password-key.ts';
import type { SlotFileBody } from './slot-file.ts';
import { slotsOf } from './slots.ts';

const TARGET_MS = 500;
/** The most memory for one derivation, since the machine has other tasks too. */
const MOST_MEMORY_KIB = 256 * 1024;
/** The share of the memory that is free at setup, so that it is available at a later start as well. */
const SHARE_OF_FREE = 1 / 8;
const MOST_PASSES = 32;

interface TuningOptions {
  readonly targetMs?: number;
  readonly freeBytes?: number;
  /** Milliseconds that one derivation takes at `cost`. */
  readonly measure?: (cost: PasswordCost) => Promise<number>;
}

/**
 * The cost at which one guess takes about half a second on this machine, never below the floor. It increases the memory first,
 * then the passes, as RFC 9106 section 4 recommends, since memory is the scarcest resource of an attacker's hardware. It
 * measures twice, so that tuning takes little more than the target, and less than twice as much on a slow machine.
 */
export async function tunePasswordCost(options: TuningOptions = {}): Promise<PasswordCost> {
  const { targetMs = TARGET_MS, freeBytes = os.freemem(), measure = measureOnce } = options;
  const floorMs = await measure(COST_FLOOR);
  if (floorMs * 2 > targetMs) return { ...COST_FLOOR, passes: passesFor(COST_FLOOR, floorMs, targetMs) };
  const mostMemory = Math.min(MOST_MEMORY_KIB, (freeBytes * SHARE_OF_FREE) / 1024);
  let larger = COST_FLOOR;
  // The time is proportional to memory times passes.
  for (let ms = floorMs * 2; ms <= targetMs && larger.memoryKiB * 2 <= mostMemory; ms *= 2)
    larger = { ...larger, memoryKiB: larger.memoryKiB * 2 };
  const largerMs = larger === COST_FLOOR ? floorMs : await measure(larger);
  return { ...larger, passes: passesFor(larger, largerMs, targetMs) };
}

/** The cost of a new password slot: that of the most expensive present slot, else the tuned one. */
export async function costBeside(body: SlotFileBody): Promise<PasswordCost> {
  const [dearest] = slotsOf(body, 'password')
    .map(({ cost }) => cost)
    .sort((a, b) => b.memoryKiB * b.passes - a.memoryKiB * a.passes);
  return dearest ?? (await tunePasswordCost());
}

function passesFor(cost: PasswordCost, ms: number, targetMs: number): number {
  const passes = Math.round((cost.passes * targetMs) / Math.max(ms, 1));
  return Math.min(MOST_PASSES, Math.max(COST_FLOOR.passes, passes));
}

async function measureOnce(cost: PasswordCost): Promise<number> {
  const started = performance.now();
  await argon2id(randomBytes(32), randomBytes(16), cost);
  return performance.now() - started;
}
