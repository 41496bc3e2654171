import { defineError } from '@aico/protocol';
import type { DatabaseStamp } from '../engine/commit-record.ts';

/** The database is not the one that was written last: it is an older copy, another database, or its log was cut. */
export class DatabaseRolledBackError extends defineError({
  code: 'AICO_DATABASE_ROLLED_BACK',
  exit: 'database',
  hint: 'If you put it there yourself, `aico db accept-rollback` takes it as it is. If not, keep every file and restore the newest backup.',
  make: (file: string, found: DatabaseStamp | 'nothing' | undefined, expected: DatabaseStamp) => {
    const stamp = found === 'nothing' ? undefined : found;
    const comparable = stamp !== undefined && stamp.id === expected.id && stamp.epoch === expected.epoch;
    return {
      message: `${file} ${describe(found, expected)}`,
      hint:
        found === 'nothing'
          ? 'Put the database back, or restore the newest backup with `aico db restore`. To begin with an empty one, run `aico db accept-rollback`.'
          : undefined,
      file,
      found: stamp,
      expected,
      /** The number of lost commits; `undefined` if the two histories cannot be compared. */
      missing: comparable ? expected.commits - stamp.commits : undefined,
    };
  },
}) {}

/** The head file beside the database is missing, so nothing proves that the database is the newest. */
export class DatabaseHeadMissingError extends defineError({
  code: 'AICO_DATABASE_HEAD_MISSING',
  exit: 'database',
  hint: 'If you put it there yourself, `aico db accept-rollback` takes it as it is. If not, keep every file and restore the newest backup.',
  make: (file: string, headFile: string) => ({
    message: `${file} exists, but its head file (${headFile}) does not`,
    file,
    headFile,
  }),
}) {}

function describe(found: DatabaseStamp | 'nothing' | undefined, expected: DatabaseStamp): string {
  if (found === 'nothing')
    return `is not there, and the keyring knows of ${expected.commits} commits of a database at this place`;
  if (found === undefined) return 'is a database that was not made here';
  if (found.id !== expected.id) return 'is another database than the one that was here';
  if (found.epoch !== expected.epoch)
    return `is from before a restore: it holds ${found.commits} commits, and ${expected.commits} are known of the one that was here`;
  const missing = expected.commits - found.commits;
  return (
    `is older than it was: it holds ${found.commits} commits of ${expected.commits}, and the last ${missing} ` +
    `${missing === 1 ? 'is' : 'are'} missing`
  );
}
