import path from 'node:path';
import type { DocumentEffects } from '../effects.ts';
import { INBOX, importMessage, joins, NOTES, pairs } from './places.ts';

const HEALTH = /"status":"\w+","checks":\{/;

export const cli: DocumentEffects = {
  document: 'docs/cli.md',
  setUp: async (world) => {
    await world.start({ plugins: [INBOX, NOTES] });
    await importMessage(world, 'A heron');
  },
  shell: {
    "npx aico db query 'SELECT level, count(*) AS lines FROM logs WHERE service = ? GROUP BY level' gateway":
      {
        shows: /level +lines/,
      },
    // On a busy machine a check may take longer than it is given.
    'npx aico request GET /api/v1/health': { shows: HEALTH, exitCodes: [0, 1] },
    'npx aico request POST /api/v1/database/query --data \'{"sql":"SELECT 1 AS one"}\'': {
      shows: /"rows":\[\[1\]\]/,
    },
    'npx aico device join desk.local': {
      ...joins,
      before: async (world) => world.run('npx aico device pair', pairs),
    },
    'npx aico status --via desk.local': { onLaptop: true, shows: /database +running/ },
    'npx aico plugin add ./examples/inbox': { onLaptop: true, shows: /inbox/ },
    'npx aico inbox search heron --via desk.local': { onLaptop: true, shows: /A heron/ },
    'npx aico request GET /api/v1/health --via desk.local': {
      onLaptop: true,
      shows: HEALTH,
      exitCodes: [0, 1],
    },
    'npx aico proxy --via desk.local': {
      onLaptop: true,
      keepsRunning: true,
      shows: /Bearer \S+' http:\/\/127\.0\.0\.1:\d+\/api/,
      after: (world, output) => {
        const [, token = '', port = ''] = /Bearer (\S+)' http:\/\/127\.0\.0\.1:(\d+)/.exec(output) ?? [];
        world.noted.set('token', token).set('port', port);
      },
    },
    "curl -H 'Authorization: Bearer TOKEN' http://127.0.0.1:PORT/api/v1/health": {
      as: (line, world) => line.replace('TOKEN', world.noteOf('token')).replace('PORT', world.noteOf('port')),
      shows: HEALTH,
    },
  },
  code: {
    "import type { PluginCommands } from '@aico/backend/plugin';": async (world, code) => {
      // A package whose plugin is the guide's, with the commands of the snippet.
      const folder = path.dirname(await world.file('notes/cli.ts', code));
      await world.file('notes/index.ts', `export { plugin } from ${JSON.stringify(NOTES)};\n`);
      const exports = { '.': './index.ts', './cli': './cli.ts' };
      await world.file('notes/package.json', JSON.stringify({ name: 'notes', type: 'module', exports }));
      await world.run(`npx aico plugin add ${folder}`, { onLaptop: true, shows: /notes/ });
      await world.run('npx aico notes words --via desk.local', { onLaptop: true, shows: /\{"rows":\[\]\}/ });
    },
  },
};
