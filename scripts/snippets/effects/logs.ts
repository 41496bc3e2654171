import assert from 'node:assert/strict';
import path from 'node:path';
import { MessageBusClient } from '@aico/shared/core/bus';
import { getLogger } from '@aico/shared/core/logging';
import type { DocumentEffects } from '../effects.ts';
import { INBOX, importMessage } from './places.ts';

export const logs: DocumentEffects = {
  document: 'docs/logs.md',
  setUp: async (world) => {
    await world.start({ plugins: [INBOX], config: { 'core.message_bus.broker.port': 0 } });
    await importMessage(world, 'A heron');
  },
  code: {
    "import { getLogger } from '@aico/shared/core/logging';": async (world, code) => {
      const statements = code.replace(/^import .*$/m, '');
      const { logger } = await world.evaluate(statements, { getLogger, error: new Error('no mail') });
      assert.ok(logger);
    },
    "import { MessageBusClient } from '@aico/shared/core/bus';": async (world, code) => {
      const credential = path.join(world.folder, 'worker.json');
      await world.run(`aico bus grant worker --publish 'worker.>' --out ${credential}`, { shows: /worker/ });
      const { bus } = await world.evaluate(code.replace('worker.json', credential));
      assert.ok(bus instanceof MessageBusClient);
      await bus.close();
      await world.run('aico logs tail --service worker', { shows: /Disk nearly full/ });
    },
    'core:': async (world, code) => {
      await world.file('laptop/config/config.yaml', code);
      await world.run('aico config validate', { onLaptop: true, shows: /valid/ });
    },
  },
  shell: {
    'npx aico logs level': { shows: /info/ },
    'npx aico logs level inbox/parser trace': { shows: /trace/ },
    'npx aico logs level inbox default': { shows: /info/ },
    'npx aico logs level warn': { shows: /warn/ },
    'npx aico logs tail -f --level warn': {
      as: (line) => line.replace('-f --level warn', '--level warn && echo ended'),
      shows: /ended/,
    },
    'npx aico logs ls --since yesterday --until today --service inbox': {
      as: (line) => `${line} && echo ended`,
      shows: /ended/,
    },
    'npx aico logs grep heron --since 2h': {
      as: (line) => line.replace('heron', 'imported'),
      shows: /Imported/,
    },
    'npx aico logs tail --request a81bc81b-dead-4e5d-abff-90865d1e13b1': {
      as: (line) => `${line} && echo ended`,
      shows: /ended/,
    },
    'npx aico logs export --since 1w | gzip > logs.ndjson.gz': {
      as: (line, { folder }) =>
        `${line.replace('logs.nd', `${folder}/logs.nd`)}; zcat ${folder}/logs.ndjson.gz`,
      shows: /"message":"Imported"/,
    },
    'npx aico logs export --format otlp > logs.otlp.jsonl': {
      as: (line) => line.replace(/ > .*/, ''),
      shows: /"resourceLogs"/,
    },
    'npx aico logs archive ~/old.aicolog --until 30d --remove --yes': {
      as: (line, { folder }) => line.replace('~', folder).replace('30d', '0m'),
      shows: /\d deleted from the log/,
    },
    'npx aico logs ls --archive ~/old.aicolog': {
      as: (line, { folder }) => line.replace('~', folder),
      shows: /Imported/,
    },
    'npx aico logs export --archive ~/old.aicolog --service inbox | gzip > inbox.ndjson.gz': {
      as: (line, { folder }) => line.replace('~', folder).replace(/\| gzip.*/, ''),
      shows: /"message":"Imported"/,
    },
  },
};
