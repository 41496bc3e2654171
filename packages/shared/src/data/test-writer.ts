/** A process to be killed: writes rows, 32 in flight, and says on standard output which were answered. */
import { EncryptedDatabase } from './encrypted-database.ts';
import { KEY } from './test-store.ts';

const [file = '', first = '1'] = process.argv.slice(2);
const db = await EncryptedDatabase.open({ file, key: KEY });
await db.execute('CREATE TABLE IF NOT EXISTS kept (n INTEGER PRIMARY KEY, half INTEGER NOT NULL)');
let next = Number(first);

async function writer(): Promise<void> {
  for (;;) {
    const n = next;
    next += 1;
    // Every eighth in a transaction of two rows, which have to be there both or not at all.
    if (n % 8 === 0)
      await db.transaction(async (tx) => {
        await tx.execute('INSERT INTO kept VALUES (?, 1)', [n]);
        await tx.execute('INSERT INTO kept VALUES (?, 2)', [-n]);
      });
    else await db.execute('INSERT INTO kept VALUES (?, 0)', [n]);
    process.stdout.write(`${n}\n`);
  }
}

await Promise.all(Array.from({ length: 32 }, writer));
