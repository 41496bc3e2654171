/** Plugins of real files, reloaded, disabled and enabled while a whole backend serves. */
import assert from 'node:assert/strict';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createTestBackend, createTestHome, type TestBackend, type TestHome } from '@aico/backend/testing';

const IMPORTS = "import { definePlugin, Type } from '@aico/backend/plugin';";

interface Version {
  readonly says: string;
  /** Added to the definition. */
  readonly declares?: string;
  /** Run at the end of `start`. */
  readonly does?: string;
}

/** A plugin of two modules with a table, a durable consumer, a timer and a health check. */
function sources({ says, declares = '', does = '' }: Version): Readonly<Record<string, string>> {
  return {
    'package.json': '{ "name": "speaker", "version": "1.0.0", "type": "module", "exports": "./index.ts" }',
    'words.ts': `export const word: string = ${JSON.stringify(says)};`,
    'old.cjs': `module.exports = { word: ${JSON.stringify(says)} };`,
    'index.ts': `${IMPORTS}
      import old from './old.cjs';
      import { word } from './words.ts';
      const migrations = [{ id: '001_heard', sql: 'CREATE TABLE speaker_heard (n INTEGER NOT NULL)' }];
      let config = Type.Object({ loudness: Type.Integer({ default: 1 }) });
      export const plugin = definePlugin({
        name: 'speaker', version: '1.0.0', description: 'Speaks',
        dependencies: ['gateway', 'database', 'message_bus'],
        capabilities: { 'speaker:read': 'Listen' },
        migrations, config, ${declares}
        async start(plugin) {
          const database = plugin.requireService('database');
          await plugin.consume('heard.words', 'speaker', async (_topic, n, { ack }) => {
            await database.transaction(async (tx) => {
              await tx.execute('INSERT INTO speaker_heard VALUES (?)', [Number(n)]);
              await ack(tx);
            });
          });
          plugin.every('breath', 60_000, () => {});
          plugin.onHealthCheck(() => ({ status: 'healthy', detail: word }));
          await plugin.addRoutes((app) => {
            app.get('/', { config: { access: 'speaker:read' } }, async () => ({
              word, old: old.word, later: (await import('./words.ts')).word, loudness: plugin.config.loudness,
            }));
            app.get('/slow', { config: { access: 'speaker:read' } }, async () => {
              globalThis.speakerEntered();
              return { word: await globalThis.speakerGate };
            });
          });
          ${does}
        },
      });`,
  };
}

const LISTENER = `${IMPORTS}
  export const plugin = definePlugin({
    name: 'listener', version: '1.0.0', description: 'Stands on the speaker', dependencies: ['speaker', 'gateway'],
    async start(plugin) {
      await plugin.addRoutes((app) => { app.get('/', { config: { access: 'public' } }, () => ({ started: true })); });
    },
  });`;

describe('a plugin of a running backend', () => {
  let folder: TestHome;
  let backend: TestBackend;
  const dir = (): string => path.join(folder.folder, 'speaker');

  async function write(version: Version): Promise<void> {
    await mkdir(dir(), { recursive: true });
    for (const [name, text] of Object.entries(sources(version)))
      await writeFile(path.join(dir(), name), text);
  }

  const post = (change: string, name = 'speaker') =>
    backend.request(`/api/v1/plugins/${name}/${change}`, { method: 'POST' });
  const said = async () => (await backend.request('/api/v1/speaker')).json();
  const problemOf = async (text: string) =>
    assert.match((await backend.request('/api/v1/plugins/speaker')).text, new RegExp(text));

  before(async () => {
    folder = await createTestHome();
    await write({ says: 'one' });
    const listener = path.join(folder.folder, 'listener.ts');
    await writeFile(listener, LISTENER);
    backend = await createTestBackend({ plugins: [dir(), listener] });
  });
  after(async () => {
    await backend.stop();
    await folder.remove();
  });

  test('runs its new code after a reload, relative imports, later imports and CommonJS modules too', async () => {
    assert.deepEqual(await said(), { word: 'one', old: 'one', later: 'one', loudness: 1 });
    await write({ says: 'two' });
    const reply = await post('reload');
    assert.equal(reply.status, 200, reply.text);
    assert.deepEqual(await said(), { word: 'two', old: 'two', later: 'two', loudness: 1 });
    const view = reply.json() as Record<string, unknown>;
    assert.deepEqual(
      { state: view.state, loads: view.loads, dependents: view.dependents, opens: view.opens },
      {
        state: 'running',
        loads: 2,
        dependents: ['listener'],
        opens: ['consumer "speaker"', 'routes of speaker', 'timer "breath"'],
      },
    );
  });

  const broken: readonly (readonly [name: string, version: Version, expected: RegExp])[] = [
    ['does not parse', { says: 'x', declares: '}}} {' }, /AICO_PLUGIN_IMPORT.*index\.ts/s],
    ['fails in start', { says: 'x', does: "throw new Error('no voice');" }, /AICO_SERVICE_START.*no voice/s],
    [
      'has a migration that fails',
      { says: 'x', declares: "migrations: [...migrations, { id: '002', sql: 'CREATE TABLE' }]," },
      /AICO_SERVICE_CONSTRUCT.*002/s,
    ],
    [
      'fails after a migration that went well',
      {
        says: 'x',
        declares: "migrations: [...migrations, { id: '002', sql: 'CREATE TABLE speaker_more (n INTEGER)' }],",
        does: "throw new Error('no voice');",
      },
      /no voice/,
    ],
    [
      'requires configuration that is not there',
      { says: 'x', declares: 'config: Type.Object({ needed: Type.String() }),' },
      /AICO_CONFIG_INVALID.*needed/s,
    ],
    [
      'needs a service that is missing',
      { says: 'x', declares: "dependencies: ['database', 'gateway', 'no_such_service']," },
      /AICO_GRAPH_INVALID.*no_such_service/s,
    ],
    ['has another name', { says: 'x', declares: "name: 'talker'," }, /AICO_PLUGIN_NAME_DIFFERS/],
    ['is no definition', { says: 'x', declares: 'priority: [],' }, /AICO_PLUGIN_SHAPE/],
  ];
  for (const [name, version, expected] of broken) {
    test(`that ${name} keeps the earlier version running, and the caller and the health report get the reason`, async () => {
      await write(version);
      const reply = await post('reload');
      assert.equal(reply.status, 409, reply.text);
      assert.match(reply.text, /AICO_PLUGIN_CHANGE/);
      assert.match(reply.text, /its version before runs on/);
      assert.match(reply.text, expected);
      assert.deepEqual(await said(), { word: 'two', old: 'two', later: 'two', loudness: 1 });
      await problemOf('AICO_PLUGIN_CHANGE');
      assert.match((await backend.request('/api/v1/health')).text, /"system":\{"status":"degraded"/);
      assert.equal((await backend.request('/api/v1/listener')).status, 200);
    });
  }

  test('is healthy again after a reload that succeeds', async () => {
    await write({
      says: 'three',
      declares: "migrations: [...migrations, { id: '002', sql: 'CREATE TABLE speaker_more (n INTEGER)' }],",
    });
    assert.equal((await post('reload')).status, 200);
    assert.match((await backend.request('/api/v1/health')).text, /"system":\{"status":"healthy"/);
    await problemOf('"loads":3');
  });

  test('finishes a request in flight; others are answered by 503 with Retry-After, and other plugins serve', async () => {
    const gate = Promise.withResolvers<string>();
    const entered = Promise.withResolvers<void>();
    Object.assign(globalThis, { speakerGate: gate.promise, speakerEntered: entered.resolve });
    const slow = backend.request('/api/v1/speaker/slow');
    await entered.promise;
    const reload = post('reload');
    const polled = async (): Promise<number> => {
      for (;;) {
        const { status, headers } = await backend.request('/api/v1/speaker');
        if (status === 200) continue;
        assert.equal(headers['retry-after'], '1');
        return status;
      }
    };
    assert.equal(await polled(), 503);
    assert.equal((await backend.request('/api/v1/plugins')).status, 200);
    gate.resolve('old');
    assert.deepEqual((await slow).json(), { word: 'old' });
    assert.equal((await reload).status, 200);
  });

  test('is stopped with its dependents when it is disabled, and starts with its new code when enabled', async () => {
    const refused = await post('disable');
    assert.equal(refused.status, 409);
    assert.match(refused.text, /listener needs it.*AICO_PLUGIN_NEEDED/s);
    assert.equal((await post('disable?dependents=true')).status, 200);
    assert.equal((await backend.request('/api/v1/speaker')).status, 404);
    assert.match((await post('reload')).text, /AICO_PLUGIN_STATE/);
    assert.match((await post('enable', 'listener')).text, /AICO_GRAPH_INVALID/);
    await write({
      says: 'four',
      declares: "migrations: [...migrations, { id: '002', sql: 'CREATE TABLE speaker_more (n INTEGER)' }],",
    });
    assert.equal((await post('enable')).status, 200);
    assert.equal((await post('enable', 'listener')).status, 200);
    assert.deepEqual(await said(), { word: 'four', old: 'four', later: 'four', loudness: 1 });
    assert.equal((await backend.request('/api/v1/listener')).status, 200);
  });

  test('receives each durable message once while it is reloaded, and leaves nothing open', async () => {
    const { container } = backend;
    const bus = container.getService('message_bus');
    const before = Object.keys((await backend.request('/api/v1/health')).json() as object);
    for (let n = 0; n < 5; n += 1) {
      const published = Array.from({ length: 20 }, (_, at) =>
        bus.publish('heard.words', n * 20 + at, { durable: true }),
      );
      assert.equal((await post('reload')).status, 200);
      await Promise.all(published);
    }
    await backend.whenIdle();
    const { rows } = await container.getService('database').execute('SELECT n FROM speaker_heard ORDER BY n');
    assert.deepEqual(
      rows.map(({ n }) => Number(n)),
      Array.from({ length: 100 }, (_, n) => n),
    );
    assert.deepEqual(Object.keys((await backend.request('/api/v1/health')).json() as object), before);
    const { consumers } = await container.getService('streams').figures();
    assert.deepEqual(
      consumers.map(({ consumer }) => consumer),
      ['speaker'],
    );
  });

  test('is reloaded when its files change in content, and not when they are only written again', async () => {
    const events: string[] = [];
    let told = Promise.withResolvers<void>();
    const tell = (event: string): void => {
      events.push(event);
      told.resolve();
      told = Promise.withResolvers();
    };
    await using _ = await backend.pluginManager.watch({
      reloaded: (plugin) => tell(`reloaded ${plugin}`),
      failed: (plugin, error) => tell(`failed ${plugin}: ${String(error)}`),
    });
    /** In one step, so that no half of it is read. */
    const replace = async (file: string, text: string): Promise<void> => {
      const written = path.join(backend.home, 'written');
      await writeFile(written, text);
      await rename(written, path.join(folder.folder, file));
    };
    const next = async (file: string, text: string): Promise<string | undefined> => {
      const { promise } = told;
      await replace(file, text);
      await promise;
      return events.shift();
    };
    await replace('speaker/words.ts', sources({ says: 'four' })['words.ts'] ?? '');
    assert.equal(await next('listener.ts', `${LISTENER}\n`), 'reloaded listener');
    assert.equal(await next('speaker/words.ts', "export const word: string = 'five';"), 'reloaded speaker');
    assert.match(JSON.stringify(await said()), /five/);
    assert.match(
      (await next('speaker/words.ts', 'export const word = ;')) ?? '',
      /failed speaker: .*its version before runs on/s,
    );
    assert.match(JSON.stringify(await said()), /five/);
    assert.deepEqual(events, []);
  });

  test('is unknown under another name, with the nearest one', async () => {
    const reply = await post('reload', 'speker');
    assert.equal(reply.status, 404);
    assert.match(reply.text, /did you mean \\"speaker\\"|speaker/);
    await rm(dir(), { recursive: true });
  });
});
