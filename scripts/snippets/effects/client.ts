import assert from 'node:assert/strict';
import { connect } from '@aico/client';
import type { DocumentEffects } from '../effects.ts';
import { addressOf, firstPrinted, INBOX, importMessage, NOTES, pairDevice, pairingCode } from './places.ts';

export const client: DocumentEffects = {
  document: 'docs/client.md',
  setUp: async (world) => {
    await world.start({ plugins: [INBOX, NOTES] });
  },
  code: {
    "import { connect, pair } from '@aico/client';": async (world, code) => {
      const given = code
        .replaceAll("'desk.local'", 'address')
        .replace("'K7QF-2M9X-…'", 'code')
        // The subscription is the last line, so the effects of the lines before are checked when it runs.
        .replace(/^for await/m, 'seen(response);\nfor await');
      assert.match(given, /address: address, code: code,/);
      const replies: Response[] = [];
      const scope = {
        address: addressOf(world),
        code: await pairingCode(world),
        note: { text: 'four words in all' },
        seen: (reply: Response) => replies.push(reply),
      };
      const printed = await firstPrinted(
        (console) => world.evaluate(given, { ...scope, console }),
        () => importMessage(world, `Heard ${Math.random()}`),
      );
      assert.equal(replies[0]?.status, 200);
      assert.equal(printed[0], 'inbox.message.imported');
    },
    "const { data, error } = await aico.api.GET('/api/v1/devices');": async (world, code) => {
      await using aico = await connect({ address: addressOf(world), credentials: await pairDevice(world) });
      const { data, error } = await world.evaluate(code, { aico });
      assert.equal(error, undefined);
      assert.ok((data as { devices: unknown[] }).devices.length >= 1);
    },
    "import { ask } from '@aico/client/ask';": async (world, code) => {
      await using aico = await connect({ address: addressOf(world), credentials: await pairDevice(world) });
      const { devices } = await world.evaluate(code, { aico });
      assert.ok(Array.isArray(devices) && devices.length >= 1);
    },
    "import type { paths } from './api.d.ts';": async (world, code) => {
      const scope = { connect, address: addressOf(world), credentials: await pairDevice(world) };
      const { aico } = await world.evaluate(code, scope);
      await using connected = aico as Awaited<ReturnType<typeof connect>>;
      assert.equal((await connected.fetch('/api/v1/health')).status, 200);
    },
  },
  shell: {
    'npx aico request GET /api/v1/openapi > api.json && npx openapi-typescript api.json -o api.d.ts': {
      as: (line, world) => `cd ${world.folder} && ${line} && cat api.d.ts`,
      shows: /"\/api\/v1\/notes\/words": \{/,
    },
  },
};
