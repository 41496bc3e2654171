import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '@aico/shared/core/config';
import { sharedSettingsOf } from './shared-settings.ts';

const configOf = (values: Readonly<Record<string, unknown>>) => ({
  get: (key: string) => values[key] as never,
});

test('a joining node receives the addresses and secrets of what the nodes share, and nothing where the database is embedded', () => {
  const url = 'postgres://aico:secret@db.example/aico';
  const nats = {
    'core.message_bus.nats.url': 'tls://nats.example',
    'core.message_bus.nats.nkey': new Secret('SU1'),
  };
  assert.equal(sharedSettingsOf(configOf(nats)), undefined);
  assert.deepEqual(
    sharedSettingsOf(configOf({ ...nats, 'core.database.url': new Secret(url), 'core.other': 'x' })),
    {
      'core.database.url': url,
      'core.message_bus.nats.url': 'tls://nats.example',
      'core.message_bus.nats.nkey': 'SU1',
    },
  );
});
