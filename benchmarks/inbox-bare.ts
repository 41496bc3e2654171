/**
 * The bare side of P16: imports mail with the parser, tables and statement of the inbox and the bare driver, in one thread, with
 * 64 rows for each commit. Usage: node inbox-bare.ts DATABASE PATH. It prints the number of stored messages.
 */
import { createHash } from 'node:crypto';
import { migrationText } from '@aico/shared/data';
import { findMailFiles } from '../examples/inbox/src/cli/mail-files.ts';
import { readMailFile } from '../examples/inbox/src/cli/mailboxes.ts';
import { INSERT, valuesOf } from '../examples/inbox/src/mail-store.ts';
import { parseMail } from '../examples/inbox/src/parsing/mail-parser.ts';
import { MIGRATIONS } from '../examples/inbox/src/schema.ts';
import { openBareDatabase } from './store.ts';

const ROWS_A_COMMIT = 64;
const MAX_BYTES = 25 * 1_048_576;

const [file = '', folder = ''] = process.argv.slice(2);
const database = openBareDatabase(file);
for (const migration of MIGRATIONS) database.exec(migrationText(migration, 'sqlite'));
const insert = database.prepare(INSERT);
let waiting: unknown[][] = [];
let stored = 0;

function commit(): void {
  database.exec('BEGIN IMMEDIATE');
  for (const values of waiting) stored += insert.all(...values).length;
  database.exec('COMMIT');
  waiting = [];
}

for (const entry of findMailFiles([folder])) {
  if (entry.kind !== 'file') continue;
  for await (const found of readMailFile(entry, MAX_BYTES)) {
    if (found.kind !== 'message') continue;
    const { raw } = found;
    const sha256 = createHash('sha256').update(raw).digest('hex');
    waiting.push(valuesOf({ raw, sha256, mail: await parseMail(raw) }));
    if (waiting.length === ROWS_A_COMMIT) commit();
  }
}
commit();
database.close();
process.stdout.write(`${stored}\n`);
