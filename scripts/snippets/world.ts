import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createTestBackend, createTestHome, type TestBackend, type TestHome } from '@aico/backend/testing';
import type { LineEffect } from './effects.ts';

export const ROOT: string = fileURLToPath(new URL('../../', import.meta.url));
/** `npm test` builds the command once. */
const AICO = process.env.TEST_AICO_COMMAND ?? path.join(ROOT, 'packages/cli/bin/aico.js');
/** Modules made of snippets, where the packages of the workspace are found. */
const MODULES = path.join(ROOT, '.cache/snippets');
/** Where npx looks for commands of the workspace. */
const COMMANDS = ['node_modules/.bin', 'packages/client/node_modules/.bin'].map((each) =>
  path.join(ROOT, each),
);
/** Milliseconds within which a command must have its effect. */
const DEADLINE_MS = 60_000;

/**
 * The environment of the snippets of one document: a folder with a person's home, the home of a backend and that of another machine.
 * Everything that was started ends with it.
 */
export class World implements AsyncDisposable {
  readonly folder: string;
  readonly home: string;
  readonly laptop: string;
  /** Values that earlier snippets printed and later ones need: a pairing code, a port. */
  readonly noted = new Map<string, string>();
  readonly #temporary: TestHome;
  readonly #running = new Set<ChildProcess>();
  #modules = 0;
  #backend: TestBackend | undefined;

  private constructor(temporary: TestHome) {
    this.#temporary = temporary;
    this.folder = temporary.folder;
    this.home = path.join(this.folder, 'aico');
    this.laptop = path.join(this.folder, 'laptop');
  }

  static async create(): Promise<World> {
    const world = new World(await createTestHome());
    await Promise.all(
      ['aico', 'laptop', 'bin', 'Mail'].map((name) => mkdir(path.join(world.folder, name), { mode: 0o700 })),
    );
    // npm takes a second to find the command that it then runs; the command is the same.
    await world.file('bin/npx', '#!/bin/sh\nname=$1; shift\nexec "$name" "$@"\n');
    await world.file('bin/aico', `#!/bin/sh\nexec "${process.execPath}" "${AICO}" "$@"\n`);
    await Promise.all(['npx', 'aico'].map((name) => chmod(path.join(world.folder, 'bin', name), 0o700)));
    return world;
  }

  /** Writes a file below the folder. @returns its path */
  async file(name: string, content: string): Promise<string> {
    const place = path.join(this.folder, name);
    await mkdir(path.dirname(place), { recursive: true });
    await writeFile(place, content);
    return place;
  }

  /** Starts a backend in this process, on the world's home. */
  async start(options: Parameters<typeof createTestBackend>[0] = {}): Promise<TestBackend> {
    this.#backend = await createTestBackend({ ...options, home: this.home });
    return this.#backend;
  }

  get backend(): TestBackend {
    assert.ok(this.#backend, 'no backend was started in this process');
    return this.#backend;
  }

  noteOf(name: string): string {
    const note = this.noted.get(name);
    assert.ok(note, `no snippet before this one has shown a ${name}`);
    return note;
  }

  /** Runs one line of a shell block, and checks its output. */
  async run(line: string, effect: LineEffect): Promise<void> {
    await effect.before?.(this);
    const command = effect.as?.(line, this) ?? line;
    const child = this.#spawn(command, effect.onLaptop === true ? this.laptop : this.home);
    const { shows, keepsRunning = false, exitCodes = [0] } = effect;
    const shown = Promise.withResolvers<void>();
    let output = '';
    const take = (chunk: string): void => {
      output += chunk;
      if (shows.test(output)) shown.resolve();
    };
    child.stdout?.setEncoding('utf8').on('data', take);
    child.stderr?.setEncoding('utf8').on('data', take);
    const closed = once(child, 'close').then(([code]) => code as number | null);
    const late = setTimeout(() => this.#kill(child, 'SIGKILL'), DEADLINE_MS);
    const ended = await (keepsRunning ? Promise.race([shown.promise, closed]) : closed);
    clearTimeout(late);
    const told = `${command}\n${output}`;
    if (!keepsRunning) assert.ok(exitCodes.includes(Number(ended ?? -1)), `${told}\nexit code ${ended}`);
    assert.match(output, shows, told);
    await effect.after?.(this, output);
  }

  /**
   * Runs a TypeScript block: its imports as they are, the rest as the body of a function with the names of `scope`.
   *
   * @returns the values of its constants
   */
  async evaluate(
    code: string,
    scope: Readonly<Record<string, unknown>> = {},
    self?: unknown,
  ): Promise<Readonly<Record<string, unknown>>> {
    const lines = code.split('\n');
    const imports = lines.filter((line) => line.startsWith('import '));
    const body = lines
      .filter((line) => !line.startsWith('import '))
      .map((line) => line.replace(/^export (?=const )/, ''));
    const names = [...code.matchAll(/^(?:export )?(?:await using|const) (\w+|\{[^}]*\})/gm)].flatMap(
      ([, name = '']) => [...name.matchAll(/\w+/g)].map(([word]) => word),
    );
    const module = [
      ...imports,
      `export default async function (this: unknown, { ${Object.keys(scope).join(', ')} }) {`,
      ...body,
      `return { ${names.join(', ')} };`,
      '}',
    ].join('\n');
    const { default: run } = (await import(await this.module(module))) as {
      default: (scope: object) => Promise<Readonly<Record<string, unknown>>>;
    };
    return run.call(self, scope);
  }

  /** Writes a module that can import the packages of the workspace. @returns its URL */
  async module(code: string): Promise<string> {
    const folder = path.join(MODULES, path.basename(this.folder));
    await mkdir(folder, { recursive: true });
    this.#modules += 1;
    const file = path.join(folder, `snippet-${this.#modules}.ts`);
    await writeFile(file, code);
    return pathToFileURL(file).href;
  }
  #spawn(command: string, home: string): ChildProcess {
    const child = spawn('bash', ['-c', command], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: {
        ...process.env,
        PATH: [path.join(this.folder, 'bin'), ...COMMANDS, process.env.PATH].join(path.delimiter),
        HOME: this.folder,
        // The code that Node has compiled, which a new home would lack.
        XDG_CACHE_HOME: process.env.TEST_AICO_CACHE ?? path.join(ROOT, '.cache'),
        AICO_HOME: home,
        AICO_CORE__API_GATEWAY__REST__PORT: '0',
        AICO_CORE__DATABASE__KEYRING_WITNESS: 'false',
        NO_COLOR: '1',
      },
    });
    this.#running.add(child);
    child.once('close', () => this.#running.delete(child));
    return child;
  }

  /** The shell and its children are one process group. */
  #kill(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, signal);
  }

  /** Ends the commands that keep running, with their children. */
  async endCommands(): Promise<void> {
    await Promise.all(
      [...this.#running].map(async (child) => {
        const closed = once(child, 'close');
        this.#kill(child, 'SIGTERM');
        await closed;
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.endCommands();
    await this.#backend?.stop();
    await rm(path.join(MODULES, path.basename(this.folder)), { recursive: true, force: true });
    await this.#temporary.remove();
  }
}
