import assert from 'node:assert/strict';
import { symlink } from 'node:fs/promises';
import path from 'node:path';
import { ConfigurationManager, defineSection } from '@aico/shared/core/config';
import { AICOPaths } from '@aico/shared/core/paths';
import { Type } from 'typebox';
import type { DocumentEffects, LineEffect } from '../effects.ts';
import { INBOX } from './places.ts';

/** `… npm start   # core.x.y`: checks that the key has the value, as a start would read it. */
function sets(key: string, value: string): LineEffect {
  return {
    as: (line) => line.replace('npm start', `npx aico config get ${key}`),
    shows: new RegExp(`^${value}$`, 'm'),
  };
}

export const configuration: DocumentEffects = {
  document: 'docs/configuration.md',
  shell: {
    'AICO_CORE__API_GATEWAY__REST__PORT=8780 npm start': sets('core.api_gateway.rest.port', '8780'),
    'AICO_PLUGINS__INBOX__ENABLED=false npm start': sets('plugins.inbox.enabled', 'false'),
    'AICO_HOME=/srv/aico npm start': {
      as: (_line, { folder }) => `export AICO_HOME=${folder}/srv; npx aico start --detach; npx aico stop`,
      shows: /Data +\S+\/srv\/data/,
    },
  },
  code: {
    '# config.yaml': async (world, code) => {
      await world.file('aico/config/config.yaml', code);
      await symlink(INBOX, path.join(world.home, 'config/inbox'));
      await world.run(
        'env -u AICO_CORE__API_GATEWAY__REST__PORT aico config get core.api_gateway.rest.port',
        {
          shows: /^8780$/m,
        },
      );
      await world.run('aico config validate', { shows: /valid/ });
    },
    'const gateway = defineSection(': async (world, code) => {
      class Paths extends AICOPaths {
        constructor() {
          super({ home: world.laptop });
        }
      }
      const { config } = await world.evaluate(code, {
        ConfigurationManager,
        AICOPaths: Paths,
        Type,
        defineSection,
      });
      assert.ok(config instanceof ConfigurationManager);
      assert.equal(config.get('core.api_gateway.rest.port', 0), 8771);
    },
    'const settings = config.registerSection({': async (world, code) => {
      const config = new ConfigurationManager({ paths: new AICOPaths({ home: world.laptop }), env: {} });
      await config.initialize();
      const { settings } = await world.evaluate(code, { config, Type });
      assert.equal((settings as { max_message_mib: number }).max_message_mib, 25);
    },
    "config.set('core.logging.level', 'debug');": async (world, code) => {
      const logging = defineSection(
        'core.logging',
        Type.Object({ level: Type.String({ default: 'info', minLength: 1 }) }),
      );
      await world.file('laptop/config/config.yaml', 'core: { logging: { level: warn } }\n');
      const config = new ConfigurationManager({
        paths: new AICOPaths({ home: world.laptop }),
        env: {},
        sections: [logging],
      });
      await config.initialize();
      assert.equal(config.get('core.logging.level', 'info'), 'warn');
      await world.evaluate(code, { config });
      assert.equal(config.get('core.logging.level', 'info'), 'debug');
    },
  },
};
