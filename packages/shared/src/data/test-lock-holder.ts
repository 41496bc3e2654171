/** A process that holds the database's write lock: says so on standard output, and lets go when its input ends. */
import { openConnection } from './engine/connection.ts';
import { KEY } from './test-store.ts';

const key = new SharedArrayBuffer(KEY.byteLength);
new Uint8Array(key).set(KEY);
const connection = openConnection(
  {
    file: process.argv[2] ?? '',
    key,
    cipher: 'aegis',
    role: 'writer',
    busyTimeoutMs: 5_000,
    maxPages: undefined,
  },
  'statements',
);
connection.exec('BEGIN IMMEDIATE; INSERT INTO kept VALUES (1000)');
process.stdout.write('locked\n');
process.stdin.resume().once('end', () => {
  connection.exec('COMMIT');
  connection.close();
});
