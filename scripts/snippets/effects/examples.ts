import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { registerPlugin } from '@aico/backend/host';
import { definePlugin, type Plugin } from '@aico/backend/plugin';
import { messageImported } from '../../../examples/inbox/src/index.ts';
import type { DocumentEffects } from '../effects.ts';
import { INBOX, importMessage, MAILBOX } from './places.ts';

export const inbox: DocumentEffects = {
  document: 'examples/inbox/README.md',
  setUp: async (world) => {
    await world.file('Mail/old.mbox', MAILBOX);
  },
  shell: {
    'npm start': { keepsRunning: true, shows: /AICO \S+ is ready/ },
    'npx aico inbox import ~/Mail/old.mbox': { shows: /2 found: 2 imported/ },
    'npx aico inbox search lunch friday': { shows: /Lunch on Friday/ },
    'npx aico inbox list': { shows: /Lunch on Friday/ },
    'npx aico inbox read 17': {
      as: (line) => line.replace('17', '1'),
      shows: /The tax return is due on Friday/,
      after: (world) => world.endCommands(),
    },
    'npm run demo': { notRun: 'it downloads 6046 messages' },
  },
  code: {
    "await plugin.subscribe(messageImported, async (_topic, { id }) => plugin.logger.info('New mail', { id }));":
      async (world, code) => {
        let plugin: Plugin<'message_bus'> | undefined;
        const listener = definePlugin({
          name: 'listener',
          version: '1.0.0',
          description: 'Listens',
          dependencies: ['message_bus'],
          start(started) {
            plugin = started;
          },
        });
        const { container } = await world.start({
          plugins: [INBOX],
          register: (services) => registerPlugin(services, listener),
        });
        const logged = Promise.withResolvers<unknown>();
        await container
          .getService('message_bus')
          .subscribe('logs.listener', (_topic, line) => logged.resolve(line));
        await world.evaluate(code, { messageImported, plugin });
        await importMessage(world, 'New');
        assert.match(JSON.stringify(await logged.promise), /New mail/);
      },
  },
};

export const digest: DocumentEffects = {
  document: 'examples/digest/README.md',
  setUp: async (world) => {
    await world.file('Mail/old.mbox', MAILBOX);
  },
  shell: {
    'npx aico start --plugin ./examples/inbox --plugin ./examples/digest': {
      keepsRunning: true,
      shows: /AICO \S+ is ready/,
    },
    'npx aico inbox import ~/Mail/old.mbox': { shows: /2 found: 2 imported/ },
    'npx aico request GET /api/v1/digest': {
      shows: /"digests"/,
      after: (world) => world.endCommands(),
    },
  },
};

/** The parts that the Python client of the bus needs and this machine lacks. */
const isPythonMissing =
  spawnSync('/usr/bin/python3', ['-c', 'import zmq, cryptography; assert zmq.has("curve")']).status !== 0;
const MISSING = { notRun: 'this machine has no Python with pyzmq and cryptography' };

export const busFromPython: DocumentEffects = {
  document: 'examples/bus-python/README.md',
  setUp: async (world) => {
    if (isPythonMissing) return;
    const { container } = await world.start({ config: { 'core.message_bus.broker.port': 0 } });
    await container.getService('message_bus').respond('host.ask', () => 'here');
  },
  shell: {
    "aico bus grant python --publish 'python.>' --publish host.ask --subscribe 'python.>' --out python.json":
      isPythonMissing
        ? MISSING
        : {
            as: (line, { folder }) => line.replace('--out ', `--out ${folder}/`),
            shows: /python/,
          },
    'python3 echo.py python.json': isPythonMissing
      ? MISSING
      : {
          as: (_line, { folder }) => `/usr/bin/python3 -u examples/bus-python/echo.py ${folder}/python.json`,
          keepsRunning: true,
          shows: /ready, with the answer here/,
        },
    'aico bus request python.ask \'"who?"\'': isPythonMissing ? MISSING : { shows: /asked/ },
  },
};
