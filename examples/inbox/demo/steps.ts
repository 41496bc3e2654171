import { strict as assert } from 'node:assert';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const AICO = path.join(ROOT, 'packages/cli/bin/aico.js');

export { assert, ROOT };

/** A backend of the tour's own, in a temporary home, and the `aico` command against it. */
export class Tour implements AsyncDisposable {
  readonly home: string;
  /** The home of a simulated second machine. */
  readonly laptop: string;
  /** A folder for files that belong to neither home. */
  readonly scratch: string;
  readonly #folder: string;
  readonly #children = new Set<ChildProcess>();
  #step = 0;
  #starting: Promise<string> | undefined;
  #ending: Promise<void> | undefined;

  private constructor(folder: string) {
    this.#folder = folder;
    this.home = path.join(folder, 'home');
    this.laptop = path.join(folder, 'laptop');
    this.scratch = path.join(folder, 'scratch');
  }

  static async begin(): Promise<Tour> {
    const tour = new Tour(await mkdtemp(path.join(tmpdir(), 'aico-demo-')));
    await Promise.all([tour.home, tour.laptop, tour.scratch].map((folder) => mkdir(folder, { mode: 0o700 })));
    for (const [signal, exitCode] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
      ['SIGHUP', 129],
    ] as const) {
      // Every time: a second Ctrl-C must not end the clearing up.
      process.on(signal, () => {
        tour.say(`\n${signal}: stopping the backend and removing the home`);
        void tour[Symbol.asyncDispose]().finally(() => process.exit(exitCode));
      });
    }
    return tour;
  }

  say(line: string): void {
    process.stdout.write(`${line}\n`);
  }

  /** Runs one step of the tour. A failure names the step. */
  async step<T>(title: string, work: () => Promise<T>): Promise<T> {
    this.#step += 1;
    if (this.#ending !== undefined) throw new Error(`the tour ends before step ${this.#step}: ${title}`);
    this.say(`\n${this.#step}. ${title}`);
    const beganAt = performance.now();
    try {
      const result = await work();
      this.say(`   (${((performance.now() - beganAt) / 1_000).toFixed(1)} s)`);
      return result;
    } catch (error) {
      throw new Error(`step ${this.#step} failed: ${title}`, { cause: error });
    }
  }

  /** Runs `aico …` on the machine of the backend and prints the command. @returns its output */
  aico(...args: readonly string[]): Promise<string> {
    return this.#run(this.home, '$', args);
  }

  /** Runs `aico …` on the other machine. */
  elsewhere(...args: readonly string[]): Promise<string> {
    return this.#run(this.laptop, 'laptop $', args);
  }

  async elsewhereJson(...args: readonly string[]): Promise<unknown> {
    return JSON.parse(await this.elsewhere(...args, '--json'));
  }

  async #run(home: string, prompt: string, args: readonly string[]): Promise<string> {
    const shown = args.map((arg) =>
      arg.startsWith(ROOT)
        ? path.relative(ROOT, arg)
        : arg.startsWith(this.#folder)
          ? path.basename(arg)
          : arg,
    );
    this.say(`   ${prompt} aico ${shown.map((arg) => (/[\s"'*]/.test(arg) ? `'${arg}'` : arg)).join(' ')}`);
    const child = this.#spawn(home, args, ['ignore', 'pipe', 'inherit']);
    assert.ok(child.stdout);
    const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    assert.equal(code, 0, `aico ${args.join(' ')} ended with exit code ${code}`);
    return output;
  }

  async aicoJson(...args: readonly string[]): Promise<unknown> {
    return JSON.parse(await this.aico(...args, '--json'));
  }

  /** Starts the backend in the background; `aico stop` or the end of the tour stops it. */
  async start(): Promise<void> {
    this.#starting = this.aico('start', '--detach', '--plugin', path.join(ROOT, 'examples/inbox'));
    this.show(await this.#starting);
    this.#starting = undefined;
  }

  show(output: string, most = 12): void {
    const lines = output.trimEnd().split('\n');
    for (const line of lines.slice(0, most)) this.say(`   | ${line}`);
    if (lines.length > most) this.say(`   | … ${lines.length - most} more lines`);
  }

  #spawn(home: string, args: readonly string[], stdio: ('ignore' | 'pipe' | 'inherit')[]): ChildProcess {
    const child = spawn(process.execPath, [AICO, ...args], {
      cwd: ROOT,
      stdio,
      // Ctrl-C goes to this process, which ends the others in order.
      detached: process.platform !== 'win32',
      env: {
        ...process.env,
        AICO_HOME: home,
        AICO_CORE__API_GATEWAY__REST__PORT: '0',
        AICO_CORE__DATABASE__KEYRING_WITNESS: 'false',
        NO_COLOR: '1',
      },
    });
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }

  /** Leaves nothing behind: no process, no file. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    // `aico stop` does not reach a backend that is still starting, so this waits until it has started or failed.
    await this.#starting?.catch(() => {});
    for (const child of this.#children) child.kill('SIGKILL');
    const stop = this.#spawn(this.home, ['stop', '--force'], ['ignore', 'ignore', 'ignore']);
    await once(stop, 'exit');
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
