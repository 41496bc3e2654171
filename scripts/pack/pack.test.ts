/**
 * Uses the tarballs of `npm run pack` as a new user would: installs them into an empty folder, starts a backend with a plugin, calls
 * it from Node, bundles the client for a browser, and type-checks against them with the strict settings that authors have.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
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
  async function run(command: string, ...args: readonly string[]) {
    const child = spawn(command, args, {
      cwd: folder,
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

  test('publint and arethetypeswrong find nothing wrong with any of them', async () => {
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

  test('a backend starts from them, with a plugin of the author', async () => {
    await copyFile(GREETER, path.join(folder, 'greeter.ts'));
    const started = await run('npx', 'aico', 'start', '--detach', '--plugin', './greeter.ts');
    assert.equal(started.code, 0, started.output);
    try {
      const greeted = await aico('request', 'GET', '/api/v1/greeter');
      assert.match(greeted.output, /\{"hello":"world"\}/);
      // Loads the addon of ZeroMQ, whose install script npm does not run unless it is told to.
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
    });
    assert.doesNotMatch(outputFiles[0]?.text ?? 'node:', /["']node:/);
  });

  for (const [name, compiler] of Object.entries(COMPILERS)) {
    test(`the declarations check in an author's strict project, by ${name}`, async () => {
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
      const files = ['everything.ts', 'greeter.ts'];
      const config = await file('tsconfig.json', JSON.stringify({ compilerOptions: STRICT, files }));
      const checked = await run('node', compiler, '--project', config);
      assert.equal(checked.code, 0, checked.output);
    });
  }

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
