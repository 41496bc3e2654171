/** A process whose disk fails: writes until it does, says which rows were answered and what it found after. */
import { DiskFullError, EncryptedDatabase, StorageFailedError } from './index.ts';
import { KEY } from './test-store.ts';

const [file = ''] = process.argv.slice(2);
const db = await EncryptedDatabase.open({ file, key: KEY });
const answered: number[] = [];
let next = 1;

async function write(): Promise<void> {
  const n = next;
  next += 1;
  if (n % 8 === 0)
    await db.transaction((tx) => tx.execute('INSERT INTO kept VALUES (?, zeroblob(3000))', [n]));
  else await db.execute('INSERT INTO kept VALUES (?, zeroblob(3000))', [n]);
  answered.push(n);
}

const refusals = new Set<string>();
async function writeUntilRefused(): Promise<void> {
  try {
    for (;;) await write();
  } catch (error) {
    if (!(error instanceof StorageFailedError || error instanceof DiskFullError)) throw error;
    refusals.add(error.code);
  }
}

await db.execute('CREATE TABLE IF NOT EXISTS kept (n INTEGER PRIMARY KEY, v BLOB)');
await Promise.all(Array.from({ length: 16 }, writeUntilRefused));
const answeredBefore = answered.length;
await Promise.allSettled([write(), write(), db.transaction((tx) => tx.execute('DELETE FROM kept'))]);
const { rows } = await db.execute<{ n: number }>('SELECT count(*) AS n FROM kept');
process.stdout.write(
  `${JSON.stringify({
    answered,
    answeredAfter: answered.length - answeredBefore,
    refusals: [...refusals],
    state: db.state.kind,
    readable: rows[0]?.n,
  })}\n`,
);
await db.close().catch(() => undefined);
