/**
 * R19: a hostile peer on every interface: pipelining, deep and huge bodies, replayed first messages, half-open upgrades, invalid
 * frames, uploads that are not read. Some attacks run concurrently. After each batch the backend must be alive and serve a correct
 * device on its existing channel and on a new one. In the end the memory of the backend must be within its bounds.
 * `torture/hostile/attacks.ts` lists the attacks; new ones are added there.
 */
import type { Campaign } from './campaign.ts';
import { randomFrom } from './channel-world.ts';
import { ATTACKS } from './hostile/attacks.ts';
import { type Attack, AttackSucceeded, HostileWorld, type Target } from './hostile/world.ts';

const FULL_COUNT = 3_000;
/** The number of runs in which every attack occurs. */
export const SHORT_COUNT = 2 * ATTACKS.length;
/** The number of concurrent attacks. */
const BATCH = 6;
/** Milliseconds after which an attack is ended. */
const ATTACK_MS = 15_000;
/** The limit of memory growth: the bytes that may be buffered for a device and for each connection, and one-time allocations. */
const MAX_GROWTH = 500 * 1_048_576;

export const campaign: Campaign = async ({ count = FULL_COUNT, seed, report }) => {
  const random = randomFrom(seed);
  let world = await HostileWorld.start();
  let failures = 0;
  let runs = 0;
  let ended = 0;
  try {
    const before = await world.memory();
    let most = before;
    while (runs < count) {
      // One attack in turn, so that a short count has all of them, and others at random.
      const batch = Array.from(
        { length: Math.min(BATCH, count - runs) },
        (_, n) => ATTACKS[n < BATCH / 2 ? (runs / 2 + n) % ATTACKS.length : random(ATTACKS.length)],
      ).filter((attack) => attack !== undefined);
      const outcomes = await Promise.allSettled(
        batch.map((attack) => attempt(attack, { ...targetOf(world), random })),
      );
      runs += batch.length;
      for (const [index, outcome] of outcomes.entries())
        if (outcome.status === 'rejected' && !isCut(outcome.reason)) {
          failures += 1;
          report(`${batch[index]?.name}: ${String(outcome.reason)}`);
        }
      const names = batch.map(({ name }) => name).join(', ');
      if (!world.isAlive) {
        failures += 1;
        ended += 1;
        report(`the backend exited after: ${names}`);
        world = await HostileWorld.start();
      } else {
        const refusal = await world.refusalOfTheGood();
        if (refusal !== undefined) {
          failures += 1;
          report(`the correct device was not served ${refusal}, after: ${names}`);
        }
      }
      most = Math.max(most, await world.memory());
    }
    const growth = most - before;
    if (growth > MAX_GROWTH) {
      failures += 1;
      report(`the memory of the backend has grown by ${growth} bytes`);
    }
    return { runs, failures, ok: failures === 0, attacks: ATTACKS.length, ended, growthBytes: growth };
  } finally {
    await world.stop();
  }
};

function targetOf({ socket, http, credentials, good }: HostileWorld) {
  return { socket, http, credentials, good };
}

/** Runs an attack, and ends it if the backend leaves its connection open. Its observations until then count. */
async function attempt(attack: Attack, target: Target): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, ATTACK_MS);
  await Promise.race([attack.run(target), late.promise]).finally(() => clearTimeout(timer));
}

/** Ignores errors of an attack whose connection was closed, since this is the expected result. */
function isCut(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof AttackSucceeded) return false;
  return 'code' in error || /closed|cut|HTTP\/1\.1 (?:4|5)/.test(error.message);
}
