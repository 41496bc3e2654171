import { symlink } from 'node:fs/promises';
import path from 'node:path';
import type { DocumentEffects } from '../effects.ts';
import { NOTES } from './places.ts';

export const guide: DocumentEffects = {
  document: 'docs/guide.md',
  code: {
    'core:': async (world, code) => {
      await world.file('aico/config/config.yaml', code);
      await world.run('aico config validate', { shows: /valid/ });
      await world.run('aico config get core.devices.roles.reader', { shows: /notes:read/ });
    },
    'plugins:': async (world, code) => {
      await world.file('aico/config/config.yaml', code);
      await symlink(NOTES, path.join(world.home, 'config/notes-plugin.ts'));
      await world.run(`aico start --detach && aico request GET /api/v1/system/config && aico stop`, {
        shows: /plugins\.notes\.longest[\s\S]{0,80}2000/,
      });
    },
  },
  shell: {
    'AICO_PLUGINS__NOTES__LONGEST=3000 npx aico start': {
      as: (line) => `${line} --detach && npx aico request GET /api/v1/system/config && npx aico stop`,
      shows: /plugins\.notes\.longest[\s\S]{0,80}3000/,
    },
  },
};
