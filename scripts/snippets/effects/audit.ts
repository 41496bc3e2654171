import type { DocumentEffects } from '../effects.ts';

export const audit: DocumentEffects = {
  document: 'docs/audit.md',
  setUp: async (world) => {
    await world.start({});
  },
  shell: {
    'npx aico audit ls': { shows: /keys\.created/ },
    'npx aico audit ls --action device': { as: (line) => `${line} && echo ended`, shows: /ended/ },
    'npx aico audit ls --outcome failed --since yesterday': {
      as: (line) => `${line} && echo ended`,
      shows: /ended/,
    },
    'npx aico audit verify': { shows: /\d/ },
  },
};
