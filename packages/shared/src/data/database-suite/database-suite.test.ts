import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { KEY } from '../../../test/fixtures/store.ts';
import { EncryptedDatabase } from '../encrypted-database.ts';
import { databaseSuite } from './database-suite.ts';

databaseSuite('SQLite', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'aico-suite-'));
  return {
    open: (options) => EncryptedDatabase.open({ file: path.join(folder, 'aico.db'), key: KEY, ...options }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
});
