/** The common mistakes of a plugin's author: each ends the start with a message that names its place and the remedy. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { ExitCode } from '@aico/protocol';
import { Aico } from './fixtures/aico.ts';

interface Mistake {
  /** The files of the home by their paths; `plugin.ts` or the first of `plugins` is loaded. */
  readonly files: Readonly<Record<string, string>>;
  readonly plugins?: readonly string[];
  /** The files at a first start, which succeeds. */
  readonly before?: Readonly<Record<string, string>>;
  readonly exit: number;
  readonly code: string;
  /** The expected message, in which `{home}` is replaced by the folder of the plugin. */
  readonly says: RegExp;
  readonly place?: string;
  readonly hint: RegExp;
}

/** A plugin without imports, which can be in any folder; `members` begin at line 2. */
const plugin = (members: string, name = 'notes'): string =>
  `export const plugin = { name: '${name}', version: '1.0.0', description: 'Notes',\n${members}\n};\n`;
const routes = (route: string): string =>
  plugin(`dependencies: ['gateway'],
async start(plugin) {
  await plugin.addRoutes((app) => {
    ${route}
  });
}`);
const migration = (sql: string): string =>
  plugin(`dependencies: ['database'], migrations: [{ id: '001_notes', sql: '${sql}' }], start() {}`);

const MISTAKES: Readonly<Record<string, Mistake>> = {
  'a dependency that is not declared': {
    files: { 'plugin.ts': plugin("start(plugin) {\n  plugin.requireService('database');\n}") },
    exit: ExitCode.plugin,
    code: 'AICO_SERVICE_UNDECLARED',
    says: /"notes" asked for "database"/,
    place: 'plugin.ts:3:',
    hint: /dependencies: \['database'/,
  },
  'a misspelt service': {
    files: { 'plugin.ts': plugin("dependencies: ['databse'], start() {}") },
    exit: ExitCode.graph,
    code: 'AICO_GRAPH_INVALID',
    says: /notes -> databse .*did you mean "database"\?/,
    hint: /Correct misspelt dependencies/,
  },
  'a syntax error in TypeScript': {
    files: { 'plugin.ts': 'export const x = 1;\nexport const = ;\n' },
    exit: ExitCode.plugin,
    code: 'AICO_PLUGIN_IMPORT',
    says: /cannot be loaded: Unexpected token/,
    place: 'plugin.ts:2',
    hint: /Correct the syntax there/,
  },
  'a syntax error in a module that the plugin imports': {
    files: {
      'plugin.mjs': "import './store.mjs';\n",
      'store.mjs': "import './rows.js';\n",
      'package.json': '{ "type": "module" }',
      'rows.js': '// rows\n\nexport const = ;\n',
    },
    plugins: ['plugin.mjs'],
    exit: ExitCode.plugin,
    code: 'AICO_PLUGIN_IMPORT',
    says: /cannot be loaded: Unexpected token/,
    place: 'rows.js:3',
    hint: /Correct the syntax there/,
  },
  'TypeScript that cannot be erased': {
    files: { 'plugin.ts': 'export const x = 1;\nenum Colour { Red }\n' },
    exit: ExitCode.plugin,
    code: 'AICO_PLUGIN_IMPORT',
    says: /enum is not supported/,
    place: 'plugin.ts:2',
    hint: /no enum/,
  },
  'a wrong export': {
    files: { 'plugin.ts': plugin('start() {}').replace('const plugin', 'const notes') },
    exit: ExitCode.plugin,
    code: 'AICO_PLUGIN_NO_EXPORT',
    says: /plugin\.ts exports no "plugin" \(it exports notes\)/,
    hint: /export const plugin = definePlugin/,
  },
  'a wrong definition': {
    files: { 'plugin.ts': plugin('dependencies: "database", migrations: {}') },
    exit: ExitCode.plugin,
    code: 'AICO_PLUGIN_SHAPE',
    says: /plugin\.ts .*"dependencies" must be a list.*either "start" or "create".*"migrations" must be/,
    hint: /Make it with definePlugin/,
  },
  'a wrong configuration': {
    files: {
      'plugin.ts': plugin(`config: {
  '~kind': 'Object', type: 'object', required: ['longest'],
  properties: { longest: { '~kind': 'Integer', type: 'integer', default: 10 } } }, start() {}`),
      'config/config.yaml': 'plugins:\n  notes:\n    longest: many\n',
    },
    exit: ExitCode.config,
    code: 'AICO_CONFIG_INVALID',
    says: /plugins\.notes\.longest must be an integer/,
    place: 'config/config.yaml:3',
    hint: /./,
  },
  'a constructor that throws': {
    files: {
      'plugin.ts': plugin(
        "create() {\n  return new (class { constructor() {\n    throw new Error('no notes');\n  } })();\n}",
      ),
    },
    exit: ExitCode.plugin,
    code: 'AICO_SERVICE_CONSTRUCT',
    says: /"notes" could not be constructed: no notes/,
    place: 'plugin.ts:4:',
    hint: /Look at the constructor or factory of "notes"/,
  },
  'a create() that returns nothing': {
    files: { 'plugin.ts': plugin('create: () => { ({}); }') },
    exit: ExitCode.plugin,
    code: 'AICO_PLUGIN_CREATE',
    says: /create\(\) of plugin "notes" returned undefined/,
    hint: /needs `return`/,
  },
  'a start that hangs': {
    files: { 'plugin.ts': plugin('startTimeoutMs: 200, start: () => new Promise(() => {})') },
    exit: ExitCode.startTimeout,
    code: 'AICO_SERVICE_START_TIMEOUT',
    says: /"notes": start\(\) did not finish within 200 ms/,
    hint: /runInBackground\(\) or every\(\)/,
  },
  'two plugins of one name': {
    files: { 'plugin.ts': plugin('start() {}'), 'other.ts': plugin('start() {}') },
    plugins: ['plugin.ts', 'other.ts'],
    exit: ExitCode.plugin,
    code: 'AICO_PLUGIN_NAME_TAKEN',
    says: /two plugins are named "notes": .*plugin\.ts and .*other\.ts/,
    hint: /Rename one in its definition/,
  },
  'the name of a part of the backend': {
    files: { 'plugin.ts': plugin('start() {}', 'system') },
    exit: ExitCode.plugin,
    code: 'AICO_PLUGIN_NAME_TAKEN',
    says: /two plugins are named "system": a part of the backend and .*plugin\.ts/,
    hint: /Rename one in its definition/,
  },
  'a relative import without its extension': {
    files: { 'plugin.ts': "// notes\nimport './store';\n", 'store.ts': '' },
    exit: ExitCode.plugin,
    code: 'AICO_PLUGIN_IMPORT',
    says: /Cannot find module/,
    place: 'plugin.ts:2',
    hint: /with its extension: import '\.\/store\.ts'/,
  },
  'a capability that no plugin declares': {
    files: { 'plugin.ts': routes("app.get('/', { config: { access: 'system:raed' } }, () => ({}));") },
    exit: ExitCode.plugin,
    code: 'AICO_PLUGIN_CAPABILITY',
    says: /GET \/api\/v1\/notes\/? .*requires "system:raed"/,
    place: 'plugin.ts:5:',
    hint: /Did you mean "system:read"\? Declare it in the definition of "notes"/,
  },
  'a route that does not say who may call it': {
    files: { 'plugin.ts': routes("app.get('/', () => ({}));") },
    exit: ExitCode.plugin,
    code: 'AICO_GATEWAY_ROUTE_ACCESS',
    says: /GET \/api\/v1\/notes\/? does not declare its access/,
    place: 'plugin.ts:5:',
    hint: /config: \{ access: 'notes:read' \}/,
  },
  'a wrong migration': {
    files: { 'plugin.ts': migration('CREATE TABEL notes (text TEXT)') },
    exit: ExitCode.database,
    code: 'AICO_DATA_STATEMENT_FAILED',
    says: /migration "?001_notes"? of "?notes"?.*near "TABEL"/,
    hint: /./,
  },
  'a migration that was changed after it had run': {
    before: { 'plugin.ts': migration('CREATE TABLE notes (text TEXT)') },
    files: { 'plugin.ts': migration('CREATE TABLE notes (text TEXT, title TEXT)') },
    exit: ExitCode.database,
    code: 'AICO_DATA_MIGRATION_CHANGED',
    says: /001_notes.*was applied with different text/,
    hint: /add|another|new/i,
  },
  'a topic that its plugin does not publish': {
    files: {
      'plugin.ts': plugin(`dependencies: ['message_bus'],
topics: [{ name: 'notes.note.added', schema: {} }],
async start(plugin) {
  await plugin.subscribe('notes.note.aded', () => {});
}`),
    },
    exit: ExitCode.plugin,
    code: 'AICO_PLUGIN_TOPIC',
    says: /"notes" subscribes to "notes\.note\.aded"/,
    place: 'plugin.ts:5:',
    hint: /Did you mean "notes\.note\.added"\?/,
  },
  'server-sent events without endless': {
    files: {
      'plugin.ts': routes(
        "app.get('/', { config: { access: 'public' }, schema: { response: { 200: { content: { 'text/event-stream': { schema: {} } } } } } }, () => '');",
      ),
    },
    exit: ExitCode.plugin,
    code: 'AICO_PLUGIN_ENDLESS',
    says: /GET \/api\/v1\/notes\/? .*is not marked as endless/,
    place: 'plugin.ts:5:',
    hint: /config: \{ endless: true \}/,
  },
  'an error with a code of its own': {
    files: {
      'plugin.ts': plugin(`start() {
  throw Object.assign(new Error('the shelf is full'), { code: 'NOTES_FULL', hint: 'Empty the shelf.' });
}`),
    },
    exit: ExitCode.plugin,
    code: 'NOTES_FULL',
    says: /"notes" failed in start\(\): the shelf is full/,
    place: 'plugin.ts:3:',
    hint: /Empty the shelf\./,
  },
};

describe('a mistake in a plugin is reported with its location and a hint:', () => {
  for (const [name, mistake] of Object.entries(MISTAKES))
    test(name, async (t) => {
      const { files, plugins = ['plugin.ts'], before, exit, code, says, place, hint } = mistake;
      const aico = await Aico.create(t);
      const args = plugins.flatMap((file) => ['--plugin', path.join(aico.home, file)]);
      if (before !== undefined) {
        await write(aico.home, before);
        const { child, exited } = await aico.serve(args);
        child.kill('SIGTERM');
        await exited;
      }
      await write(aico.home, files);
      const ran = await aico.run(['start', '--json', ...args]);
      const line = ran.stderr.split('\n').findLast((each) => each.startsWith('{"error"'));
      assert.ok(line !== undefined, ran.stderr);
      const { error } = JSON.parse(line) as { error: { code: string; message: string; hint: string } };
      assert.deepEqual([error.code, ran.code], [code, exit], ran.stderr);
      assert.match(error.message, says);
      assert.match(error.hint, hint);
      if (place !== undefined)
        assert.ok(error.message.includes(path.join(aico.home, place)), `${error.message} names no ${place}`);
    });
});

async function write(home: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(home, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}
