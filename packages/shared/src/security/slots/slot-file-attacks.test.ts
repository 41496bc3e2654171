import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { AicoError } from '@aico/protocol';
import {
  AICOKeyManager,
  COST_CEILING,
  COST_FLOOR,
  createRecoveryCode,
  PasswordWrongError,
  SlotFileDamagedError,
  SlotFileVersionError,
  SlotParametersError,
} from '../index.ts';

type Json = string | number | boolean | null | Json[] | { [name: string]: Json };
type Place = readonly (string | number)[];

const PASSWORD = 'correct horse battery staple';
const CODE = createRecoveryCode();

let base = '';
before(async () => {
  base = await mkdtemp(path.join(os.tmpdir(), 'aico-attacks-'));
});
after(async () => {
  await rm(base, { recursive: true, force: true });
});

/** A home with every kind of slot that is independent of the machine, and a rotation in progress. */
async function target(name: string) {
  const slotsFile = path.join(base, `${name}.json`);
  const keyFile = path.join(base, `${name}.key`);
  let now = Date.now();
  // Every try comes when the wait for those before it is over.
  const clock = () => (now += 600_000);
  const open = () => new AICOKeyManager({ slotsFile, keyFile, passwordCost: COST_FLOOR, now: clock });
  const manager = open();
  await manager.setUp({ password: PASSWORD, keyFile: true, recoveryCode: CODE });
  await manager.stageDatabaseKey();
  const good: Json = JSON.parse(await readFile(slotsFile, 'utf8'));
  /** Writes `body` as its owner would, but for the one thing an attacker has not: the key of the `mac`. */
  const write = async (body: Json): Promise<void> => {
    assert.ok(typeof body === 'object' && body !== null && !Array.isArray(body));
    const { checksum: _, ...rest } = body;
    const checksum = createHash('sha256')
      .update(`${JSON.stringify(rest, undefined, 2)}\n`)
      .digest('base64url');
    await writeFile(slotsFile, `${JSON.stringify({ ...rest, checksum }, undefined, 2)}\n`);
  };
  return { open, good, write, slotsFile };
}

function places(value: Json, at: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return [at];
  return Object.entries(value).flatMap(([name, each]) => places(each, [...at, name]));
}

function changed(whole: Json, [name, ...rest]: Place, change: (value: Json) => Json | undefined): Json {
  if (name === undefined || typeof whole !== 'object' || whole === null) return change(whole) ?? null;
  const entries = Object.entries(whole).flatMap(([key, value]): [string, Json][] => {
    if (key !== name) return [[key, value]];
    if (rest.length > 0) return [[key, changed(value, rest, change)]];
    const next = change(value);
    return next === undefined ? [] : [[key, next]];
  });
  return Array.isArray(whole) ? entries.map(([, value]) => value) : Object.fromEntries(entries);
}

const at = (whole: Json, place: Place): Json =>
  place.reduce<Json>((value, name) => {
    assert.ok(typeof value === 'object' && value !== null);
    return (value as { [name: string]: Json })[name] ?? null;
  }, whole);

const CHANGES: readonly [name: string, change: (value: Json) => Json | undefined][] = [
  [
    'its first character',
    (value) => (typeof value === 'string' ? (value.startsWith('A') ? 'B' : 'A') + value.slice(1) : 0),
  ],
  [
    'its last character',
    (value) => (typeof value === 'string' ? value.slice(0, -1) + (value.endsWith('w') ? 'x' : 'w') : 7),
  ],
  ['one more', (value) => (typeof value === 'number' ? value + 1 : `${value}A`)],
  ['nothing', () => ''],
  ['taken out', () => undefined],
  ['another type', () => [] as Json[]],
];

describe('an attacker who can write the slot file and correct its checksum', () => {
  test('unlocks nothing by changing any field, with any unlock method', async () => {
    const { open, good, write } = await target('fields');
    const fields = places(good).filter(([name]) => name !== 'checksum');
    assert.ok(fields.length > 25, `${fields.length} fields`);
    for (const place of fields)
      for (const [what, change] of CHANGES) {
        const bad = changed(good, place, change);
        if (JSON.stringify(bad) === JSON.stringify(good)) continue;
        await write(bad);
        for (const credentials of [{}, { recoveryCode: CODE }]) {
          const manager = open();
          await assert.rejects(manager.unlock(credentials), AicoError, `${place.join('.')}: ${what}`);
          assert.equal(manager.isUnlocked, false);
        }
      }
    await write(good);
    await open().unlock();
    await open().unlock({ recoveryCode: CODE });
  });

  test('unlocks nothing by exchanging, duplicating or omitting slots and keys', async () => {
    const { open, good, write } = await target('orders');
    const other = await target('other');
    const list = (name: string) => at(good, [name]) as Json[];
    const variants: [string, Json][] = [];
    for (const name of ['slots', 'keys']) {
      const entries = list(name);
      variants.push([`${name} reversed`, changed(good, [name], () => [...entries].reverse())]);
      variants.push([`${name} doubled`, changed(good, [name], () => [...entries, ...entries])]);
      for (const index of entries.keys()) {
        variants.push([`${name} without ${index}`, changed(good, [name], () => entries.toSpliced(index, 1))]);
        const foreign = at(other.good, [name, index]);
        variants.push([
          `${name} with a foreign ${index}`,
          changed(good, [name, String(index)], () => foreign),
        ]);
      }
    }
    const sealed = (index: number) => at(good, ['slots', index, 'sealedRoot']);
    variants.push(['another slot’s root', changed(good, ['slots', '0', 'sealedRoot'], () => sealed(2))]);
    variants.push([
      'another key',
      changed(good, ['keys', '0', 'sealed'], () => at(good, ['keys', 1, 'sealed'])),
    ]);
    for (const [what, bad] of variants) {
      await write(bad);
      for (const credentials of [{}, { recoveryCode: CODE }])
        await assert.rejects(open().unlock(credentials), AicoError, what);
    }
    await write(variants[0]?.[1] ?? null);
    await assert.rejects(open().unlock({ password: PASSWORD }), SlotFileDamagedError);
  });

  test('causes no computation with a cost that is too low or too high, with any unlock method', async () => {
    const { open, good, write } = await target('costs');
    const index = (at(good, ['slots']) as Json[]).findIndex((slot) => at(slot, ['kind']) === 'password');
    const costs = [
      { ...COST_FLOOR, memoryKiB: COST_FLOOR.memoryKiB - 1 },
      { ...COST_FLOOR, passes: COST_FLOOR.passes - 1 },
      { ...COST_FLOOR, lanes: 0 },
      { ...COST_CEILING, memoryKiB: COST_CEILING.memoryKiB + 1 },
      { ...COST_CEILING, passes: COST_CEILING.passes + 1 },
      { ...COST_CEILING, lanes: COST_CEILING.lanes + 1 },
    ];
    for (const cost of costs) {
      await write(changed(good, ['slots', String(index), 'cost'], () => ({ ...cost })));
      for (const attempt of [
        () => open().unlock({ password: PASSWORD }),
        () => open().unlock(),
        () => open().unlock({ recoveryCode: CODE }),
        () => open().changePassword(PASSWORD, 'a new long password'),
        () => open().slots(),
      ])
        await assert.rejects(attempt(), SlotParametersError);
      // Without a computation the attempt does not count.
      assert.equal((await open().throttle()).failures, 0);
    }
  });
});

test('a slot file of a future version is refused as such, whatever its content', async () => {
  const { open, slotsFile } = await target('future');
  await writeFile(slotsFile, JSON.stringify({ format: 'aico-key-slots', version: 2, vaults: [] }));
  await assert.rejects(open().unlock(), SlotFileVersionError);
  await assert.rejects(open().changePassword(PASSWORD, 'a new long password'), SlotFileVersionError);
  await assert.rejects(open().slots(), /has version 2, which this version of AICO cannot read/);
});

test('an older slot file that is restored opens with its old password: documented, and not detected', async () => {
  const { open, slotsFile } = await target('replay');
  const old = await readFile(slotsFile);
  await open().changePassword(PASSWORD, 'a new long password');
  await assert.rejects(open().unlock({ password: PASSWORD }), PasswordWrongError);
  await writeFile(slotsFile, old);
  await open().unlock({ password: PASSWORD });
});
