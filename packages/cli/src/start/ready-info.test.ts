import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Backend } from '@aico/backend/host';
import { Secret } from '@aico/shared/core/config';
import { banner, readyInfoOf } from './ready-info.ts';

const OPTIONS = { home: undefined, isForeground: true };

test('the banner names a PostgreSQL server without its password, and none for the embedded database', () => {
  const bannerWith = (url: unknown): string => {
    const values: Readonly<Record<string, unknown>> = {
      environment: 'development',
      'core.database.url': url,
    };
    const backend = {
      paths: { dataDir: '/home/ann/aico/data', keyFile: '' },
      config: { get: (key: string) => values[key] },
      socket: '/run/api.sock',
      http: 'http://127.0.0.1:8771',
      plugins: [],
      keysMade: undefined,
      version: '1.0.0',
      isLocked: () => false,
    } as unknown as Backend;
    return banner(readyInfoOf(backend), OPTIONS);
  };
  const shared = bannerWith(
    new Secret('postgres://ann:hunter2@db.example.org:5433/diary?sslmode=verify-full'),
  );
  assert.match(shared, /Database db\.example\.org:5433\/diary \(PostgreSQL/);
  assert.doesNotMatch(shared, /hunter2/);
  assert.doesNotMatch(bannerWith(undefined), /PostgreSQL/);
});
