/**
 * R18: a plugin runs hostile SQL, generated and listed, in every way in which a plugin can run a statement, while other owners
 * write. No statement reads or changes the table of another owner or makes a write of another owner fail, and after restarts every
 * acknowledged write is stored.
 */
import type { Transaction } from '@aico/shared/data';
import type { Campaign } from './campaign.ts';
import { below, type Random, randomFrom } from './fixtures/random.ts';
import { type Attack, drawAttack, ON_THE_MOVING_TABLE, type Step } from './fixtures/sql-attacks.ts';
import { SqlWorld } from './fixtures/sql-world.ts';

const FULL_COUNT = 10_000;
const RACE_EVERY = 100;
const RESTART_EVERY = 250;

/** Ways in which a plugin runs a statement. */
const WAYS: readonly ((world: SqlWorld, sql: string) => Promise<unknown>)[] = [
  ({ attacker }, sql) => attacker.execute(sql),
  ({ attacker }, sql) => attacker.transaction((tx) => tx.execute(sql)),
  ({ attacker }, sql) => attacker.transaction((tx) => tx.transaction((nested) => nested.execute(sql))),
  ({ attacker }, sql) => attacker.transaction((tx) => tx.execute(sql), { readOnly: true }),
  async ({ attacker }, sql) => {
    const tx = await attacker.begin();
    try {
      return await tx.execute(sql);
    } finally {
      await tx.rollback();
    }
  },
  async ({ attacker }, sql) => {
    const rows: unknown[] = [];
    for await (const row of attacker.stream(sql)) {
      rows.push(row);
      if (rows.length === 100) break;
    }
    return rows;
  },
  // The service 'idempotency' passes its transaction in the same way.
  ({ root, attacker }, sql) => root.transaction((tx: Transaction) => attacker.within(tx).execute(sql)),
];

/** Runs one step. @returns its rows or its error */
async function take(
  world: SqlWorld,
  { way, sql }: Step,
  random: Random,
): Promise<{ rows?: unknown; error?: unknown }> {
  const run = WAYS[below(random, WAYS.length)] ?? WAYS[0];
  try {
    return { rows: way === 'migration' ? await world.migrateAttacker(sql) : await run?.(world, sql) };
  } catch (error) {
    return { error };
  }
}

/** The first cause that is not a wrapper with the location only. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no error';
  const code = 'code' in error ? String(error.code) : error.name;
  return code === 'AICO_DATA_MIGRATION_FAILED' && error.cause !== undefined ? codeOf(error.cause) : code;
}

/** @returns a description of the fault; `undefined` if there is none */
async function suffer(
  world: SqlWorld,
  { steps, mustFail, unlessHarmless }: Attack,
  random: Random,
  tally: Record<string, number>,
): Promise<string | undefined> {
  for (const [index, step] of steps.entries()) {
    const [{ rows, error }, innocent] = await Promise.all([
      take(world, step, random),
      world.innocentWrites().then(
        () => undefined,
        (reason: unknown) => reason,
      ),
    ]);
    const code = codeOf(error);
    tally[code] = (tally[code] ?? 0) + 1;
    if (innocent !== undefined) return `another's write failed: ${String(innocent)}`;
    if (world.holdsCanary(rows ?? [])) return `it read another's rows: ${JSON.stringify(rows).slice(0, 200)}`;
    if (error !== undefined && world.holdsCanary(String(error)))
      return `its error contains rows of another owner: ${String(error)}`;
    const wasLast = index === steps.length - 1;
    if (error === undefined && mustFail && wasLast)
      if (unlessHarmless === undefined || (await world.reachesOthers(unlessHarmless)))
        return 'it was executed';
    // An error of the engine that was not translated to a code of the project is a fault.
    if (error !== undefined && !code.startsWith('AICO_DATA_'))
      return `it failed without a code: ${String(error)}`;
    if (code === 'AICO_DATA_DISK_FULL' || code === 'AICO_DATA_STORAGE_FAILED' || code === 'AICO_DATA_CORRUPT')
      return `it was reported as a fault of the disk: ${String(error)}`;
  }
  return await world.damage();
}

export const campaign: Campaign = async ({ count = FULL_COUNT, seed, report }) => {
  const random = randomFrom(seed);
  const tally: Record<string, number> = {};
  let failures = 0;
  let world = await SqlWorld.make();
  const fail = async (what: string, attack: string): Promise<void> => {
    failures += 1;
    report(`${what}\n  ${attack}`);
    // A new world, so that the damage is not reported again for each following attack.
    await world.close();
    world = await SqlWorld.make();
  };
  try {
    for (let run = 1; run <= count; run += 1) {
      const attack = drawAttack(random);
      const wrong = await suffer(world, attack, random, tally);
      if (wrong !== undefined) await fail(wrong, JSON.stringify(attack.steps));
      if (run % RACE_EVERY === 0) {
        const seen = await world.race(ON_THE_MOVING_TABLE);
        const raced = world.holdsCanary(seen) ? "another's rows were reached" : await world.damage();
        if (raced !== undefined)
          await fail(raced, 'a table that changed its owner while statements on it ran');
      }
      if (run % RESTART_EVERY === 0 || run === count) {
        const after = await world.restart();
        if (after !== undefined) await fail(after, 'found after a restart');
        // Objects that the attacker created stay in its schema, and make the next attacks of this kind fail early.
        await world.close();
        world = await SqlWorld.make();
      }
      if (run % 1_000 === 0) report(`${run} of ${count}, ${failures} failures`);
    }
  } finally {
    await world.close();
  }
  report(JSON.stringify(tally));
  return { runs: count, failures, ok: failures === 0, tally };
};
