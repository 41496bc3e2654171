/**
 * Uses the tarballs of `npm run pack` as a new user would: installs them into an empty folder, starts a backend with a plugin, calls
 * it from Node, bundles the client for a browser, type-checks against them with the strict settings that authors have, and makes a
 * plugin, which is tested, killed during an import and reloaded.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { connectLocal } from '@aico/client/local';
import { checkPackage, createPackageFromTarballData, type Problem } from '@arethetypeswrong/core';
import { build } from 'esbuild';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { packAll } from './pack.ts';
import { filesOf, ROOT, readManifest, workspacePackages } from './workspace.ts';

const GREETER = path.join(ROOT, 'packages/cli/test/fixtures/greeter.ts');
const COMPILERS = {
  'TypeScript 7': path.join(ROOT, 'node_modules/typescript/bin/tsc'),
  'TypeScript 5.9': path.join(ROOT, 'packages/client/node_modules/typescript/bin/tsc'),
};

/** Compiler options that an author of a plugin may have set. */
const STRICT = {
  target: 'es2023',
  lib: ['es2023'],
  module: 'nodenext',
  types: ['node'],
  noEmit: true,
  skipLibCheck: false,
  strict: true,
  exactOptionalPropertyTypes: true,
  isolatedModules: true,
  noFallthroughCasesInSwitch: true,
  noImplicitOverride: true,
  noImplicitReturns: true,
  noPropertyAccessFromIndexSignature: true,
  noUncheckedIndexedAccess: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  allowImportingTsExtensions: true,
  verbatimModuleSyntax: true,
};

/** The name of the package in a tarball: `@aico/cli` of `aico-cli-0.1.0.tgz`. */
const packageOf = (tarball: string): string => `@aico/${path.basename(tarball).split('-')[1]}`;

describe('the packed packages', {
  skip: process.platform === 'win32' && 'they are packed on POSIX',
  timeout: 900_000,
}, () => {
  let folder: string;
  let tarballs: readonly string[];
  const packages = workspacePackages();

  before(async () => {
    tarballs = await packAll();
    folder = await mkdtemp(path.join(os.tmpdir(), 'aico-author-'));
    // The packages are in no registry: `overrides` keeps npm from asking one for the versions that they name of each other.
    const files = tarballs.map((tarball) => [packageOf(tarball), `file:${tarball}`] as const);
    await file(
      'package.json',
      JSON.stringify({
        name: 'author',
        private: true,
        type: 'module',
        dependencies: { ...Object.fromEntries(files), '@types/node': '24' },
        overrides: Object.fromEntries(files.map(([name]) => [name, `$${name}`])),
      }),
    );
    const installed = await run('npm', 'install', '--prefer-offline');
    assert.equal(installed.code, 0, installed.output);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function file(name: string, content: string): Promise<string> {
    const place = path.join(folder, name);
    await mkdir(path.dirname(place), { recursive: true });
    await writeFile(place, content);
    return place;
  }

  /** Runs a command in the author's folder. */
  const run = (command: string, ...args: readonly string[]) => runIn(folder, command, ...args);

  async function runIn(cwd: string, command: string, ...args: readonly string[]) {
    const child = spawn(command, args, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: [path.dirname(process.execPath), process.env.PATH].join(path.delimiter),
        HOME: os.homedir(),
        AICO_HOME: path.join(folder, 'home'),
        AICO_CORE__API_GATEWAY__REST__PORT: '0',
        AICO_CORE__DATABASE__KEYRING_WITNESS: 'false',
      },
    });
    const [output, errors, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ]);
    return { code, output: output + errors };
  }

  const aico = (...args: readonly string[]) => run(path.join(folder, 'node_modules/.bin/aico'), ...args);

  test('publint and arethetypeswrong find no problem', async () => {
    assert.equal(tarballs.length, packages.length);
    for (const tarball of tarballs) {
      const { buffer } = Uint8Array.from(await readFile(tarball));
      const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true });
      assert.deepEqual(
        messages.map((message) => formatMessage(message, pkg ?? {})),
        [],
        tarball,
      );
      // A command has no types: nothing can be imported from it.
      if (packageOf(tarball) === '@aico/cli') continue;
      const analysis = await checkPackage(createPackageFromTarballData(new Uint8Array(buffer)));
      assert.ok(analysis.types !== false, `${tarball} has no types`);
      assert.deepEqual(analysis.problems.filter(concernsModules), [], tarball);
    }
  });

  test("a backend starts from them, with a user's plugin", async () => {
    await copyFile(GREETER, path.join(folder, 'greeter.ts'));
    const started = await run('npx', 'aico', 'start', '--detach', '--plugin', './greeter.ts');
    assert.equal(started.code, 0, started.output);
    try {
      const greeted = await aico('request', 'GET', '/api/v1/greeter');
      assert.match(greeted.output, /\{"hello":"world"\}/);
      // Loads the addon of ZeroMQ, whose install script npm does not run unless it is approved.
      const granted = await aico('bus', 'grant', 'stranger', '--subscribe', 'notes.>');
      assert.equal(granted.code, 0, granted.output);
      // Runs in a process of its own, which has a thread of its own.
      assert.match((await aico('db', 'query', 'SELECT 40 + 2 AS sum')).output, /42/);

      const { code } = JSON.parse((await aico('device', 'pair', '--json')).output) as { code: string };
      const { addresses } = JSON.parse((await aico('status', '--json')).output) as {
        addresses: { http: string };
      };
      await file(
        'client.js',
        `import { connect, pair } from '@aico/client';
        const address = ${JSON.stringify(addresses.http)};
        const credentials = await pair({ address, code: ${JSON.stringify(code)}, name: 'author' });
        await using aico = await connect({ address, credentials });
        process.stdout.write(await (await aico.fetch('/api/v1/greeter')).text());`,
      );
      const called = await run('node', 'client.js');
      assert.equal(called.output, '{"hello":"world"}');
    } finally {
      const stopped = await aico('stop');
      assert.equal(stopped.code, 0, stopped.output);
    }
  });

  test('a plugin below node_modules that ships TypeScript is told to compile it, by its name', async () => {
    await file('node_modules/raw-plugin/index.ts', 'export const plugin: unknown = undefined;\n');
    await file(
      'node_modules/raw-plugin/package.json',
      JSON.stringify({ name: 'raw-plugin', type: 'module', exports: './index.ts' }),
    );
    const { code, output } = await aico('start', '--plugin', 'raw-plugin');
    assert.equal(code, 17, output);
    assert.match(output, /compile "raw-plugin" to JavaScript/);
  });

  test('the client can be bundled for a browser', async () => {
    const entry = await file('page.js', "export { connect, pair } from '@aico/client';\n");
    const { outputFiles } = await build({
      entryPoints: [entry],
      bundle: true,
      platform: 'browser',
      format: 'esm',
      write: false,
      // A page without a bundler runs every file that is imported, also those of which nothing is used.
      ignoreAnnotations: true,
    });
    assert.doesNotMatch(outputFiles[0]?.text ?? 'node:', /["']node:/);
  });

  describe("the declarations pass the type check of a user's strict project", { concurrency: true }, () => {
    let config: string;
    before(async () => {
      const specifiers = packages.flatMap(({ manifest }) =>
        Object.keys(readManifest(path.join(folder, 'node_modules', manifest.name)).exports ?? {}).map(
          (subpath) => `${manifest.name}${subpath.slice(1)}`,
        ),
      );
      assert.ok(specifiers.length > 20);
      await copyFile(GREETER, path.join(folder, 'greeter.ts'));
      await file(
        'everything.ts',
        specifiers.map((specifier, index) => `export * as all${index} from '${specifier}';\n`).join(''),
      );
      const guide = await readFile(path.join(ROOT, 'docs/guide.md'), 'utf8');
      const shown = [...guide.matchAll(/<!-- source: (\S+) -->/g)].map(([, source = '']) => source);
      assert.ok(shown.length > 15);
      for (const source of shown)
        await file(path.basename(source), await readFile(path.join(ROOT, source), 'utf8'));
      const files = ['everything.ts', 'greeter.ts', ...shown.map((source) => path.basename(source))];
      config = await file('tsconfig.json', JSON.stringify({ compilerOptions: STRICT, files }));
    });
    for (const [name, compiler] of Object.entries(COMPILERS))
      test(`by ${name}`, async () => {
        const checked = await run('node', compiler, '--project', config);
        assert.equal(checked.code, 0, checked.output);
      });
  });

  describe('a plugin that is made by aico plugin new', () => {
    const NAME = 'word-counter';
    const IMPORTED = 400;
    let place: string;
    before(async () => {
      const made = await aico('plugin', 'new', NAME);
      assert.equal(made.code, 0, made.output);
      place = path.join(folder, NAME);
      const installed = await runIn(place, 'npm', 'install', '--prefer-offline');
      assert.equal(installed.code, 0, installed.output);
    });

    test('passes its tests, its type check and its lint, and is packed compiled', async () => {
      const [tested, checked, packed] = await Promise.all([
        runIn(place, 'npm', 'test'),
        runIn(place, 'npm', 'run', 'check'),
        runIn(place, 'npm', 'pack'),
      ]);
      assert.equal(tested.code, 0, tested.output);
      assert.match(tested.output, /pass [5-9]/);
      assert.equal(checked.code, 0, checked.output);
      assert.equal(packed.code, 0, packed.output);
      assert.match(packed.output, /dist\/index\.js/);
      assert.match(packed.output, /dist\/index\.d\.ts/);
      assert.doesNotMatch(packed.output, /\.test\./);
    });

    test('survives kill -9 during an import with every row once, and reloads after an edit', async () => {
      const texts = Array.from({ length: IMPORTED }, (_, index) => 'word '.repeat((index % 7) + 1) + index);
      try {
        const first = await start();
        let answered = 0;
        const died = Promise.withResolvers<void>();
        await assert.rejects(
          importAll(first.socket, texts, () => {
            answered += 1;
            if (answered !== IMPORTED / 4) return;
            process.kill(first.pid, 'SIGKILL');
            died.resolve();
          }),
        );
        await died.promise;
        assert.ok(answered < IMPORTED, 'the import was over before the kill');

        const second = await start();
        const stored = (await notesOf(second.socket)).length;
        assert.ok(
          stored >= answered && stored < IMPORTED,
          `${stored} notes, of which ${answered} were answered`,
        );
        // The same requests again: those that were stored are answered as before.
        await importAll(second.socket, texts, () => {});
        const notes = await counted(second.socket);
        assert.deepEqual(notes.map(({ text: each }) => each).sort(), texts.toSorted());
        for (const { text: each, words } of notes) assert.equal(words, each.split(' ').length);
        const dead = await aico('bus', 'dead-letters', '--json');
        assert.doesNotMatch(dead.output, new RegExp(NAME));

        const source = path.join(place, 'src/notes.ts');
        await writeFile(source, (await readFile(source, 'utf8')).replace('split(/\\s+/)', "split('-')"));
        const reloaded = await aico('plugin', 'reload', NAME);
        assert.equal(reloaded.code, 0, reloaded.output);
        await importAll(second.socket, ['a-note that-is edited'], () => {});
        assert.equal((await counted(second.socket)).at(-1)?.words, 3);
      } finally {
        await aico('stop', '--force');
      }
    });

    async function start(): Promise<{ readonly pid: number; readonly socket: string }> {
      const { code, output } = await runIn(place, 'npm', 'start', '--silent', '--', '--detach', '--json');
      assert.equal(code, 0, output);
      return JSON.parse(output) as { pid: number; socket: string };
    }

    /** Adds every text as a note, under a key of its own, several at a time. */
    async function importAll(
      socketPath: string,
      texts: readonly string[],
      onAnswer: () => void,
    ): Promise<void> {
      await using client = connectLocal({ socketPath });
      const add = async (each: string): Promise<void> => {
        await client.json(`/api/v1/${NAME}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'idempotency-key': each.replaceAll(' ', '_') },
          body: JSON.stringify({ text: each }),
        });
        onAnswer();
      };
      const waiting = [...texts];
      const worker = async (): Promise<void> => {
        for (let each = waiting.shift(); each !== undefined; each = waiting.shift()) await add(each);
      };
      await Promise.all(Array.from({ length: 8 }, worker));
    }

    async function notesOf(socketPath: string) {
      await using client = connectLocal({ socketPath });
      const { notes } = (await client.json(`/api/v1/${NAME}?limit=1000`)) as {
        readonly notes: readonly { readonly text: string; readonly words: number | null }[];
      };
      return notes;
    }

    /** The notes once the durable consumer has counted each. */
    async function counted(socketPath: string): ReturnType<typeof notesOf> {
      const notes = await notesOf(socketPath);
      return notes.some(({ words }) => words === null) ? counted(socketPath) : notes;
    }
  });

  test('each has its licence, its README, and every file that it exports', async () => {
    for (const { manifest } of packages) {
      const installed = path.join(folder, 'node_modules', manifest.name);
      const targets = filesOf(readManifest(installed).exports);
      for (const name of ['LICENSE', 'README.md', ...targets]) await readFile(path.join(installed, name));
    }
  });
});

/** The packages are ES modules and need a resolution that knows `exports`: problems of other resolutions are left out. */
function concernsModules(problem: Problem): boolean {
  if (problem.kind === 'CJSResolvesToESM') return false;
  return !('resolutionKind' in problem) || !['node10', 'node16-cjs'].includes(problem.resolutionKind);
}
