/**
 * R24: an attacker who has the key of the database, but not the root key, edits, deletes, exchanges, adds and truncates rows of the
 * audit trail with SQL. Each change is found, and is still found after further events.
 */
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { EncryptedDatabase } from '@aico/shared/data';
import { AuditTrail } from '@aico/shared/data/audit';
import type { Campaign } from './campaign.ts';
import { below, type Random, randomFrom } from './fixtures/random.ts';

const FULL_COUNT = 1_000;
/** Not a multiple of the number of attacks, so that each attack occurs with restarts. */
const RESTART_EVERY = 10;
const ROWS = 40;
const DATABASE_KEY = new Uint8Array(32).fill(1);
const AUDIT_KEY = new Uint8Array(32).fill(2);

const COLUMNS = ['time', 'event', 'actor', 'action', 'subject', 'outcome', 'details', 'hash'];

/** Changes the rows of a trail, so that they differ from the recorded ones. */
type Attack = (database: EncryptedDatabase, random: Random) => Promise<unknown>;

const ATTACKS: Readonly<Record<string, Attack>> = {
  edited: (database, random) => {
    const column = COLUMNS[below(random, COLUMNS.length)] ?? 'hash';
    const changed = column === 'time' ? 'time + 1' : `${column} || 'x'`;
    return database.execute(`UPDATE audit SET ${column} = ${changed} WHERE seq = ?`, [
      1 + below(random, ROWS),
    ]);
  },
  deleted: (database, random) =>
    database.execute('DELETE FROM audit WHERE seq = ?', [1 + below(random, ROWS)]),
  'deleted and renumbered': async (database, random) => {
    const seq = 1 + below(random, ROWS - 1);
    await database.execute('DELETE FROM audit WHERE seq = ?', [seq]);
    await database.execute('UPDATE audit SET seq = seq - 1 - 1000 WHERE seq > ?', [seq]);
    await database.execute('UPDATE audit SET seq = seq + 1000 WHERE seq < 0');
  },
  exchanged: async (database, random) => {
    const one = 1 + below(random, ROWS);
    const other = 1 + ((one + below(random, ROWS - 1)) % ROWS);
    for (const [from, to] of [
      [one, 10_000],
      [other, one],
      [10_000, other],
    ] as const)
      await database.execute('UPDATE audit SET seq = ? WHERE seq = ?', [to, from]);
  },
  'cut off': (database, random) => database.execute('DELETE FROM audit WHERE seq > ?', [below(random, ROWS)]),
  'cut off with the note': async (database, random) => {
    await database.execute('DELETE FROM audit WHERE seq > ?', [below(random, ROWS)]);
    await database.execute('DELETE FROM head_note');
  },
  added: (database, random) =>
    database.execute(
      "INSERT INTO audit SELECT ?, time, event || 'x', actor, action, subject, outcome, details, hash FROM audit WHERE seq = ?",
      [below(random, 2) === 0 ? ROWS + 1 : -below(random, ROWS), 1 + below(random, ROWS)],
    ),
};

/** Makes a database with an unaltered trail, which each run copies. */
async function makeTemplate(file: string): Promise<void> {
  const database = await EncryptedDatabase.open({ file, key: DATABASE_KEY });
  const trail = await AuditTrail.open({ database, key: AUDIT_KEY });
  await database.transaction(async (tx) => {
    for (let row = 0; row < ROWS; row += 1)
      await trail.within(tx, { action: 'device.paired', subject: `${row}`, details: { row } });
  });
  const verdict = await trail.verify();
  if (!verdict.ok || verdict.rows !== ROWS)
    throw new Error(`an unaltered trail is refused: ${JSON.stringify(verdict)}`);
  await database.close();
}

/** @returns a description of the fault; `undefined` if there is none */
async function suffer(
  file: string,
  attack: Attack,
  random: Random,
  restarts: boolean,
): Promise<string | undefined> {
  let database = await EncryptedDatabase.open({ file, key: DATABASE_KEY });
  try {
    const open = () => AuditTrail.open({ database, key: AUDIT_KEY });
    const trail = await open();
    await attack(database, random);
    if ((await trail.verify()).ok) return 'it was not found at once';
    if (restarts) {
      await database.close();
      database = await EncryptedDatabase.open({ file, key: DATABASE_KEY });
    }
    const continued = await open();
    if ((await continued.verify()).ok) return 'it was not found when the trail was opened again';
    await continued.record({ action: 'device.revoked' });
    if ((await continued.verify()).ok) return 'it was not found after another event';
    return undefined;
  } finally {
    await database.close();
  }
}

export const campaign: Campaign = async ({ count = FULL_COUNT, seed, report }) => {
  const random = randomFrom(seed);
  const tally: Record<string, number> = {};
  let failures = 0;
  const names = Object.keys(ATTACKS);
  const folder = await mkdtemp(path.join(os.tmpdir(), 'aico-r24-'));
  try {
    const template = path.join(folder, 'template.db');
    await makeTemplate(template);
    for (let run = 0; run < count; run += 1) {
      const name = names[run % names.length] ?? 'edited';
      const attack = ATTACKS[name];
      const file = path.join(folder, `${run}.db`);
      for (const side of ['', '.head']) await copyFile(`${template}${side}`, `${file}${side}`);
      const wrong = attack && (await suffer(file, attack, random, run % RESTART_EVERY === 0));
      if (wrong === undefined) tally[name] = (tally[name] ?? 0) + 1;
      else {
        failures += 1;
        report(`${name}: ${wrong}`);
      }
      for (const side of ['', '.head']) await rm(`${file}${side}`, { force: true });
      if ((run + 1) % 100 === 0) report(`${run + 1} of ${count}, ${failures} failures`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  report(JSON.stringify(tally));
  return { runs: count, failures, ok: failures === 0, tally };
};
