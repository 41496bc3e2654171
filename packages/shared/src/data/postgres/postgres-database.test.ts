import { after, before, describe, test } from 'node:test';
import { Client } from 'pg';
import { NO_POSTGRES, PostgresServer } from '../../../test/fixtures/postgres-server.ts';
import { databaseSuite } from '../database-suite/database-suite.ts';
import { PostgresDatabase } from './index.ts';

if (NO_POSTGRES !== false)
  test('the acceptance suite of databases passes on PostgreSQL', { skip: NO_POSTGRES });
else
  describe('PostgreSQL', () => {
    let server: PostgresServer;
    before(async () => {
      server = await PostgresServer.start();
    });
    after(() => server.remove());

    databaseSuite('PostgreSQL', async () => {
      const admin = new Client(server.url());
      await admin.connect();
      await admin.query('DROP SCHEMA IF EXISTS aico CASCADE');
      await admin.end();
      return {
        open: (options) => PostgresDatabase.open({ url: server.url(), ...options }),
        remove: async () => undefined,
      };
    });
  });
