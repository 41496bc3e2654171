import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { connect } from '@aico/client';
import type { DocumentEffects } from '../effects.ts';
import {
  addressOf,
  firstPrinted,
  INBOX,
  importMessage,
  joins,
  MAILBOX,
  pairDevice,
  pairs,
} from './places.ts';

const PASSWORD = 'a heron stands by the pond at dusk';

export const readme: DocumentEffects = {
  document: 'README.md',
  setUp: async (world) => {
    await world.file('Mail/old.mbox', MAILBOX);
    world.noted.set('password file', await world.file('password', `${PASSWORD}\n`));
  },
  shell: {
    'npm ci && npm start': { as: () => 'npm start', keepsRunning: true, shows: /AICO \S+ is ready/ },
    'npm ci && npm test': { notRun: 'it runs this test' },
    'npx aico start --plugin ./greeter.ts': {
      as: (line) => line.replace('./greeter.ts', 'packages/cli/test/fixtures/greeter.ts'),
      onLaptop: true,
      keepsRunning: true,
      shows: /Plugins +greeter/,
    },
    'npx aico request GET /api/v1/greeter': { onLaptop: true, shows: /\{"hello":"world"\}/ },
    'npm run pack': { notRun: 'scripts/pack/pack.test.ts runs it' },
    'npm install /path/to/aico/dist/*.tgz': { notRun: 'scripts/pack/pack.test.ts runs it' },
    'npx aico start': { notRun: 'scripts/pack/pack.test.ts runs it' },
    'npx aico plugin new notes && cd notes && npm install && npm test && npm start': {
      notRun: 'scripts/pack/pack.test.ts runs it',
    },
    'npm install-scripts approve zeromq': { notRun: 'it changes which scripts npm runs' },
    'npm run demo': { notRun: 'it downloads 6046 messages' },
    'npx aico status': { shows: /database +running/ },
    // On a busy machine a check may take longer than it is given.
    'npx aico health': { shows: /inbox +healthy/, exitCodes: [0, 21] },
    'npx aico inbox import ~/Mail/old.mbox': { shows: /2 found: 2 imported/ },
    'npx aico inbox search "tax return"': { shows: /\d {2}2002-08-22 .*Tax return/ },
    'npx aico logs tail': { shows: /"service":"inbox".*"message":"Imported"/ },
    'npx aico db status': { shows: /inbox_messages/ },
    'npx aico db backup ~/backups': {
      shows: /backups/,
      after: (world) => assert.ok(existsSync(path.join(world.folder, 'backups'))),
    },
    'npx aico security passwd': {
      as: (line, world) => `${line} --new-password-file ${world.noteOf('password file')}`,
      shows: /password/i,
    },
    'npx aico security lock': { shows: /[Ll]ocked/ },
    'npx aico security unlock': {
      as: (line, world) => `${line} --password-file ${world.noteOf('password file')}`,
      shows: /[Uu]nlocked/,
    },
    'npx aico stop': { shows: /[Ss]topped/ },
    'npx aico device pair': {
      ...pairs,
      before: async (world) => {
        await world.start({ plugins: [INBOX], password: PASSWORD });
      },
    },
    'npx aico device join desk.local': joins,
    'npx aico plugin add ./examples/inbox': { onLaptop: true, shows: /inbox/ },
    'npx aico inbox search "tax return" --via desk.local': { onLaptop: true, shows: /Tax return/ },
  },
  code: {
    "await using aico = await connect({ address: 'desk.local', credentials });": async (world, code) => {
      const [address, credentials] = [addressOf(world), await pairDevice(world)];
      const printed = await firstPrinted(
        (console) =>
          world.evaluate(code.replace("'desk.local'", 'address'), { connect, address, credentials, console }),
        () => importMessage(world, 'Heard'),
      );
      assert.equal(printed[0], 'inbox.message.imported');
    },
  },
};
