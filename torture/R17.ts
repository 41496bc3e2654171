/**
 * R17: the operating system refuses calls: EIO, ENOSPC, EDQUOT, EMFILE and EACCES on write, fsync, open, rename, mkdir and mmap, at
 * random calls of a start, of a running backend, of a stop, and of the commands that change a home. Each process ends in time with
 * a documented code and a message, no acknowledged write is lost, and the next start succeeds.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Campaign } from './campaign.ts';
import { AICO, Child, type ChildOptions, type Ended } from './fixtures/child.ts';
import { openHome } from './fixtures/home.ts';
import { documentedErrors, drawFault, type Fault, wrongEnd } from './fixtures/injected-faults.ts';
import { below, type Random, randomFrom } from './fixtures/random.ts';
import { missing } from './fixtures/small-disk.ts';
import { Ledger } from './fixtures/workload.ts';

const FULL_COUNT = 500;
const PLUGIN = fileURLToPath(new URL('./fixtures/writer-plugin.ts', import.meta.url));
const PASSWORD = 'the first heron of the morning';
const NEW_PASSWORD = 'the second heron of the morning';
const STOP_BUDGET_MS = 10_000;
/** Milliseconds that a busy machine and strace may add. */
const GRACE_MS = 10_000;
/** Milliseconds after which a command counts as hanging. */
const COMMAND_MS = 90_000;
/** The number of answers to wait for before a signal. */
const ANSWERS = 200;
const SILENCE_MS = 2_000;

const PHASES = [
  'start',
  'run',
  'stop',
  'backup',
  'restore',
  'rotate-key',
  'passwd',
  'grant',
  'plugin add',
] as const;
type Phase = (typeof PHASES)[number];

interface Round {
  readonly phase: Phase;
  readonly home: string;
  readonly scratch: string;
  readonly fault: Fault;
  readonly random: Random;
  readonly ledger: Ledger;
  readonly documented: ReturnType<typeof documentedErrors>;
  /** Called with the end of a process that had a fault. */
  readonly noteEnd: (ended: Ended) => void;
  readonly wrong: (what: string) => void;
}

/** Runs `aico` on the home of a round; `onLine` is called with each line of its output. */
function aico(home: string, args: readonly string[], options: ChildOptions = {}): Child {
  return new Child(AICO, args, {
    timeoutMs: COMMAND_MS,
    ...options,
    env: {
      AICO_HOME: home,
      AICO_CORE__API_GATEWAY__REST__PORT: '0',
      AICO_CORE__LOGGING__CONSOLE__ENABLED: 'false',
      AICO_CORE__DATABASE__KEYRING_WITNESS: 'false',
      AICO_CORE__LIFECYCLE__STOP_BUDGET_MS: String(STOP_BUDGET_MS),
      AICO_CORE__SECURITY__PASSWORD: PASSWORD,
      ...options.env,
    },
  });
}

interface BackendProcess {
  readonly child: Child;
  /** The process id of the backend, as opposed to that of strace; `undefined` if it did not start. */
  readonly ready: Promise<number | undefined>;
  /** Resolves when enough writes were answered, or no more are. */
  readonly satisfied: Promise<unknown>;
}

function startBackend(home: string, ledger: Ledger, fault?: Fault, password = PASSWORD): BackendProcess {
  const ready = Promise.withResolvers<number | undefined>();
  const satisfied = Promise.withResolvers<void>();
  const quiet = setTimeout(() => satisfied.resolve(), COMMAND_MS / 2);
  let answers = 0;
  const child = aico(home, ['start', '--json', '--plugin', PLUGIN], {
    ...(fault === undefined ? {} : { under: ['strace', ...fault.args] }),
    env: { TORTURE_FIRST: String(ledger.next), AICO_CORE__SECURITY__PASSWORD: password },
    onLine: (line) => {
      if (line.startsWith('{')) ready.resolve((JSON.parse(line) as { pid: number }).pid);
      if (!/^[+=-]/.test(line)) return;
      ledger.note(line);
      answers += 1;
      if (answers >= ANSWERS) satisfied.resolve();
      else quiet.refresh();
    },
  });
  void ready.promise.then(() => setTimeout(() => satisfied.resolve(), SILENCE_MS).unref());
  void child.ended.then(() => {
    clearTimeout(quiet);
    ready.resolve(undefined);
    satisfied.resolve();
  });
  return { child, ready: ready.promise, satisfied: satisfied.promise };
}

/** Starts strace to inject the fault into a running process; resolves when it is attached. */
async function attach(pid: number, fault: Fault): Promise<ChildProcess> {
  const tracer = spawn('strace', ['-p', String(pid), ...fault.args], { stdio: ['ignore', 'ignore', 'pipe'] });
  await Promise.race([once(tracer.stderr, 'data'), once(tracer, 'exit')]);
  tracer.stderr.resume();
  return tracer;
}

/** Ends a backend by a signal, and checks that it exits in time. */
async function end(
  { wrong, documented, noteEnd }: Round,
  { child }: BackendProcess,
  pid: number,
): Promise<void> {
  const beganAt = performance.now();
  try {
    process.kill(pid, 'SIGTERM');
  } catch {
    // The process has already ended; its exit is checked below.
  }
  const late = setTimeout(() => {
    wrong(`the stop was not over after ${STOP_BUDGET_MS + GRACE_MS} ms`);
    process.kill(pid, 'SIGKILL');
  }, STOP_BUDGET_MS + GRACE_MS);
  const ended = await child.ended;
  clearTimeout(late);
  noteEnd(ended);
  if (performance.now() - beganAt > STOP_BUDGET_MS + GRACE_MS) return;
  // A failure during the stop is in the log only, since the stop itself was successful.
  if (ended.code !== 1) for (const each of wrongEnd(ended, child.stderr, documented)) wrong(each);
}

/** A start with a fault, and its stop if the backend becomes ready in spite of the fault. */
async function faultyStart(round: Round): Promise<void> {
  const backend = startBackend(round.home, round.ledger, round.fault);
  const pid = await backend.ready;
  if (pid === undefined) {
    const ended = await backend.child.ended;
    round.noteEnd(ended);
    for (const each of wrongEnd(ended, backend.child.stderr, round.documented)) round.wrong(each);
  } else {
    await backend.satisfied;
    await end(round, backend, pid);
  }
  round.ledger.noteKill();
}

/** Injects the fault into a running backend: before its stop, during a command, or with the stop. */
async function faultyRun(round: Round): Promise<void> {
  const { phase, fault, ledger, wrong } = round;
  const backend = startBackend(round.home, ledger);
  const pid = await backend.ready;
  if (pid === undefined) {
    wrong(`it did not start without a fault: ${backend.child.stderr.slice(-400)}`);
    return;
  }
  await backend.satisfied;
  const tracer = await attach(pid, fault);
  try {
    if (phase === 'run') await new Promise((resolve) => setTimeout(resolve, SILENCE_MS));
    if (phase === 'grant')
      await command(round, ['bus', 'grant', 'heron', '--publish', 'a.>', '--out', place(round, 'heron')]);
    await end(round, backend, pid);
  } finally {
    tracer.kill('SIGKILL');
    backend.child.kill();
    await backend.child.ended;
  }
  ledger.noteKill();
}

const place = ({ scratch }: Round, name: string): string => path.join(scratch, name);

/** Runs a command and checks its end. @returns whether it reports success */
async function command(round: Round, args: readonly string[], options: ChildOptions = {}): Promise<boolean> {
  const child = aico(round.home, args, options);
  const ended = await child.ended;
  if (options.under !== undefined) round.noteEnd(ended);
  for (const each of wrongEnd(ended, child.stderr, round.documented)) round.wrong(each);
  return ended.code === 0;
}

async function faultyCommand(round: Round): Promise<void> {
  const { phase, home, fault, wrong } = round;
  const [present, wanted] = [place(round, 'present'), place(round, 'wanted')];
  await writeFile(present, `${PASSWORD}\n`, { mode: 0o600 });
  await writeFile(wanted, `${NEW_PASSWORD}\n`, { mode: 0o600 });
  const backups = place(round, 'backups');
  await mkdir(backups);
  if (phase === 'restore' && !(await command(round, ['db', 'backup', backups, '--password-file', present])))
    return wrong('no backup could be made without a fault');
  const [backup = ''] = await readdir(backups);
  const args: Readonly<Record<string, readonly string[]>> = {
    backup: ['db', 'backup', backups, '--password-file', present],
    restore: ['db', 'restore', path.join(backups, backup), '--yes', '--password-file', present],
    'rotate-key': ['db', 'rotate-key', '--password-file', present],
    passwd: ['security', 'passwd', '--password-file', present, '--new-password-file', wanted],
    'plugin add': ['plugin', 'add', PLUGIN],
  };
  const done = await command(round, args[phase] ?? [], { under: ['strace', ...fault.args] });
  if (!done) return;
  if (phase === 'backup' && !(await readdir(backups)).some((name) => !name.endsWith('.partial')))
    wrong('the command reports a backup, and there is none');
  if (
    phase === 'plugin add' &&
    !(await readFile(path.join(home, 'config', 'config.yaml'), 'utf8')).includes('writer')
  )
    wrong('the command reports that the plugin was added, and it was not');
}

/** Checks that the home opens, contains every acknowledged write, and starts. */
async function checkHome({ phase, home, ledger, wrong }: Round): Promise<void> {
  const passwords = phase === 'passwd' ? [NEW_PASSWORD, PASSWORD] : [PASSWORD];
  const failures: string[] = [];
  for (const password of passwords) {
    const backend = startBackend(home, ledger, undefined, password);
    const pid = await backend.ready;
    if (pid === undefined) {
      failures.push(`the next start fails: ${backend.child.stderr.slice(-400)}`);
      continue;
    }
    process.kill(pid, 'SIGTERM');
    const { code } = await backend.child.ended;
    ledger.noteKill();
    if (code !== 0) wrong(`the next stop ends with ${code}`);
    const database = await openHome(home, password);
    try {
      for (const each of (await ledger.check(database)).slice(0, 5)) wrong(each);
    } finally {
      await database.close();
    }
    return;
  }
  for (const each of failures) wrong(each);
}

/** Makes a home with some rows, and stops it in order. */
async function makeTemplate(home: string, ledger: Ledger): Promise<void> {
  const backend = startBackend(home, ledger);
  const pid = await backend.ready;
  if (pid === undefined) throw new Error(`the home was not created: ${backend.child.stderr}`);
  await backend.satisfied;
  process.kill(pid, 'SIGTERM');
  await backend.child.ended;
}

export const campaign: Campaign = async ({ count = FULL_COUNT, seed, report }) => {
  const skip = missing('strace', '-f', '-o', '/dev/null', 'true');
  if (skip !== undefined) {
    report(`skipped: ${skip}`);
    return { runs: 0, failures: 0, ok: true, skipped: skip };
  }
  const random = randomFrom(seed);
  const documented = documentedErrors();
  const failed: Record<string, number> = {};
  const ends: Record<string, number> = {};
  let failures = 0;
  for (let run = 1; run <= count; run += 1) {
    const scratch = await mkdtemp(path.join(tmpdir(), 'aico-r17-'));
    const home = path.join(scratch, 'home');
    const phase = PHASES[below(random, PHASES.length)] ?? 'start';
    const wrongs: string[] = [];
    const ledger = new Ledger();
    try {
      await makeTemplate(home, ledger);
      ledger.noteKill();
      const fault = drawFault(random, home);
      const round: Round = {
        ...{ phase, home, scratch, fault, random, ledger, documented },
        wrong: (what) => void wrongs.push(what),
        noteEnd: ({ code, signal }) => {
          const how = `${phase}: ${code ?? signal}`;
          ends[how] = (ends[how] ?? 0) + 1;
        },
      };
      try {
        if (phase === 'start') await faultyStart(round);
        else if (phase === 'run' || phase === 'stop' || phase === 'grant') await faultyRun(round);
        else await faultyCommand(round);
        await checkHome(round);
      } catch (error) {
        wrongs.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
      }
      if (wrongs.length > 0) {
        failures += 1;
        failed[phase] = (failed[phase] ?? 0) + 1;
      }
      for (const what of wrongs.slice(0, 5)) report(`round ${run}, ${phase}, ${fault.name}: ${what}`);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
    if (run % 20 === 0) report(`${run} rounds, ${failures} failures`);
  }
  return { runs: count, failures, ok: failures === 0, failed, ends };
};
