/**
 * R13: canary secrets are sent through configuration, requests, log fields, bus, rows, refused and failing requests, errors and
 * crashes of the whole `aico start`. Then every file below the home and the temporary folder, the archives of the log, all output,
 * every reply and the command line of every process are searched for the secrets in every encoding, and for the keys. The files
 * include the spool of the log, which a killed process leaves behind.
 *
 * Nothing may be found, with one exception, since a secret in the free text of an error cannot be recognised: the message of an
 * error that a plugin throws is shown as the cause on the console and by `aico logs`. It may appear in no file and no reply.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { localRequest } from '@aico/backend/testing';
import { AICOPaths } from '@aico/shared/core/paths';
import type { Campaign } from './campaign.ts';
import { AICO, Child, type Ended } from './fixtures/child.ts';
import { keysOfHome, type Needle, scan, scanBytes, secretNeedles } from './fixtures/scanner.ts';

const FULL_COUNT = 50;
const PLUGIN = fileURLToPath(new URL('./fixtures/confidant.ts', import.meta.url));
const CHANNELS = [
  'config',
  'header',
  'cookie',
  'query',
  'field',
  'bus',
  'row',
  'refused',
  'unserved',
  'in the clear',
  'throw',
] as const;
/** How each run of the backend ends. The last one crashes with a secret in the error. */
const ENDS = ['SIGKILL', 'SIGABRT', 'SIGTERM', 'crash'] as const;
/** A process that has not ended after this time is killed, and counts as a failure. */
const END_MS = 60_000;

type End = (typeof ENDS)[number];
type Channel = (typeof CHANNELS)[number] | 'crash';

interface Canary {
  readonly channel: Channel;
  readonly secret: string;
  readonly needles: readonly Needle[];
}

interface Ready {
  readonly pid: number;
  readonly socket: string;
  readonly http: string;
}

/** Descriptions of the places where a secret was found. */
type Leaks = Set<string>;

function makeCanary(channel: Channel): Canary {
  const secret = `canary.${randomBytes(15).toString('base64url')}`;
  return { channel, secret, needles: secretNeedles(`a secret by ${channel}`, secret) };
}

/** Whether the secret is in the message of an error, which the console and the log may show. */
const isFreeText = ({ channel }: Canary): boolean => channel === 'throw' || channel === 'crash';

class BackendProcess {
  readonly child: Child;
  readonly #home: string;
  readonly #env: Readonly<Record<string, string>>;

  constructor(home: string, temporary: string, canaries: readonly Canary[]) {
    this.#home = home;
    const secrets = canaries
      .filter(({ channel }) => channel === 'config')
      .map(({ secret }, at) => [`s${at}`, secret]);
    this.#env = {
      AICO_HOME: home,
      TMPDIR: temporary,
      AICO_CORE__API_GATEWAY__REST__PORT: '0',
      AICO_CORE__LOGGING__LEVEL: 'debug',
      AICO_PLUGINS__CONFIDANT__MODULE: PLUGIN,
      AICO_PLUGINS__CONFIDANT__SECRETS: JSON.stringify(Object.fromEntries(secrets)),
    };
    const onLine = (line: string): void => {
      this.child.stdout += `${line}\n`;
      if (line.includes('"socket"')) this.#ready.resolve(JSON.parse(line) as Ready);
    };
    this.child = new Child(AICO, ['start', '--json'], { env: this.#env, onLine });
    void this.child.ended.then(() => this.#ready.reject(new Error(`it did not start: ${this.child.stderr}`)));
  }

  readonly #ready = Promise.withResolvers<Ready>();

  get ready(): Promise<Ready> {
    return this.#ready.promise;
  }

  /** Runs a command. @returns its output @throws if it fails, since its output would test nothing */
  async ask(...args: readonly string[]): Promise<string> {
    const asked = new Child(AICO, args, { env: this.#env });
    const { code } = await asked.ended;
    if (code !== 0) throw new Error(`aico ${args.join(' ')} failed: ${asked.stderr}`);
    return asked.stdout + asked.stderr;
  }

  get home(): string {
    return this.#home;
  }
}

/** Sends one secret through its channel. @returns the whole answer */
async function push({ channel, secret }: Canary, { socket, http }: Ready): Promise<string> {
  const post = (place: string): ReturnType<typeof localRequest> =>
    localRequest(socket, `/api/v1/confidant/${place}`, { method: 'POST', body: { secret } });
  const request = '/api/v1/confidant/request';
  const send = async () => {
    switch (channel) {
      case 'config':
        return await localRequest(socket, '/api/v1/health');
      case 'header':
        return await localRequest(socket, request, { headers: { authorization: secret } });
      case 'cookie':
        return await localRequest(socket, request, { headers: { cookie: secret } });
      case 'query':
        return await localRequest(socket, `${request}?secret=${secret}`);
      case 'unserved':
        return await localRequest(socket, `/api/v1/${secret}?token=${secret}`, {
          headers: { 'x-token': secret },
        });
      case 'in the clear':
        return await localRequest(http, `/${secret}`, {
          method: 'POST',
          body: { secret },
          headers: { authorization: secret },
        });
      default:
        return await post(channel);
    }
  };
  const { status, headers, text } = await send();
  return `${status} ${JSON.stringify(headers)} ${text}`;
}

/** The command lines of a process and of its descendants. */
async function commandLines(pid: number): Promise<string> {
  if (process.platform !== 'linux') return '';
  const read = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');
  const all = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const parents = new Map(
    await Promise.all(
      all.map(
        async (name) =>
          [
            Number(name),
            Number((await read(`/proc/${name}/stat`)).replace(/^.*\) \S /s, '').split(' ')[0]),
          ] as const,
      ),
    ),
  );
  const ours = [pid];
  for (const each of ours)
    for (const [one, parent] of parents) if (parent === each && !ours.includes(one)) ours.push(one);
  return (await Promise.all(ours.map((each) => read(`/proc/${each}/cmdline`)))).join('\n');
}

function look(place: string, text: string, canaries: readonly Canary[], leaks: Leaks): void {
  const needles = canaries.flatMap(({ needles: each }) => each);
  for (const { needle } of scanBytes(place, Buffer.from(text), needles)) leaks.add(`${place}: ${needle}`);
}

async function lookIntoFiles(
  places: readonly string[],
  needles: readonly Needle[],
  when: string,
  leaks: Leaks,
): Promise<void> {
  for (const { file, needle } of await scan(places, needles))
    leaks.add(`${path.basename(file)} ${when}: ${needle}`);
}

/** Sends all secrets to one process, runs all commands, and ends the process. */
async function exercise(
  backend: BackendProcess,
  end: End,
  canaries: readonly Canary[],
  leaks: Leaks,
): Promise<void> {
  const ready = await backend.ready;
  const told = canaries.filter(({ channel }) => channel !== 'crash');
  for (const canary of told)
    look(`the reply to ${canary.channel}`, await push(canary, ready), canaries, leaks);
  const { heard } = (await localRequest(ready.socket, '/api/v1/confidant/heard')).json() as {
    heard: string[];
  };
  // A secret that did not arrive tests nothing.
  const silent: readonly Channel[] = ['refused', 'unserved', 'in the clear'];
  for (const { channel, secret } of told)
    if (!silent.includes(channel) && !heard.includes(createHash('sha256').update(secret).digest('hex')))
      leaks.add(`a secret by ${channel} did not arrive, so its channel was not tested`);
  look('a command line', await commandLines(ready.pid), canaries, leaks);
  const hidden = canaries.filter((canary) => !isFreeText(canary));
  const archive = path.join(backend.home, `${end}.aicolog`);
  for (const args of [
    ['config', 'list', '--live', '--json'],
    ['status', '--json'],
    ['audit', 'ls', '-n', '1000', '--json'],
    ['logs', 'export', '--format', 'otlp'],
    ['logs', 'archive', archive, '--until', '0m', '--remove', '--yes', '--json'],
    ['logs', 'export', '--archive', archive],
  ]) {
    const answer = await backend.ask(...args);
    look(`aico ${args.join(' ')}`, answer, args[0] === 'logs' ? hidden : canaries, leaks);
  }
  const expected: Readonly<Record<End, Ended>> = {
    SIGKILL: { code: null, signal: 'SIGKILL' },
    SIGABRT: { code: null, signal: 'SIGABRT' },
    SIGTERM: { code: 0, signal: null },
    crash: { code: 70, signal: null },
  };
  if (end === 'crash')
    for (const canary of canaries.filter(({ channel }) => channel === 'crash'))
      look('the reply to crash', await push(canary, ready).catch(() => ''), canaries, leaks);
  else backend.child.kill(end);
  const tooLate = setTimeout(() => backend.child.kill(), END_MS);
  const ended = await backend.child.ended;
  clearTimeout(tooLate);
  if (ended.code !== expected[end].code || ended.signal !== expected[end].signal)
    leaks.add(`${end} ended it with ${ended.code ?? ended.signal}`);
  look('the console', backend.child.stdout + backend.child.stderr, hidden, leaks);
}

export const campaign: Campaign = async ({ count = FULL_COUNT, report }) => {
  const leaks: Leaks = new Set();
  const root = await mkdtemp(path.join(tmpdir(), 'aico-r13-'));
  const [home, temporary] = [path.join(root, 'home'), path.join(root, 'tmp')];
  const canaries = [
    makeCanary('crash'),
    ...Array.from({ length: count - 1 }, (_, index) =>
      makeCanary(CHANNELS[index % CHANNELS.length] ?? 'row'),
    ),
  ];
  const needles = canaries.flatMap(({ needles: each }) => each);
  let searched = 0;
  /** The extensions of the files that were searched. */
  const kinds = new Set<string>();
  try {
    await mkdir(temporary);
    // A short count has time for two runs.
    const ends: readonly End[] = count < FULL_COUNT ? ['SIGKILL', 'crash'] : ENDS;
    for (const end of ends) {
      const backend = new BackendProcess(home, temporary, canaries);
      try {
        // From the second run on, the first insert already violates the primary key.
        await exercise(backend, end, canaries, leaks);
      } finally {
        backend.child.kill();
        await backend.child.ended;
      }
      const keys = await keysOfHome(new AICOPaths({ home }));
      for (const name of await readdir(root, { recursive: true })) kinds.add(path.extname(name));
      await lookIntoFiles([root], [...needles, ...keys], `after ${end}`, leaks);
      searched += 1;
      report(`after ${end}: ${leaks.size} found`);
    }
    for (const kind of ['.aicolog', '.db', '.db-wal', '.head', '.json', '.key', '.spool'])
      if (!kinds.has(kind)) leaks.add(`no file *${kind} was searched`);
    // Checks the search itself, with a secret and a key that were written to a file.
    const planted = path.join(home, 'data', 'planted');
    const keys = await keysOfHome(new AICOPaths({ home }));
    for (const { name, bytes } of [...(canaries[0]?.needles ?? []), ...keys]) {
      await writeFile(planted, Buffer.concat([randomBytes(100), bytes, randomBytes(100)]));
      if (!(await scan([home], [...needles, ...keys])).some(({ needle }) => needle === name))
        leaks.add(`${name} was planted and not found`);
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
  for (const leak of leaks) report(leak);
  return { runs: count, failures: leaks.size, ok: leaks.size === 0, searched, forms: needles.length };
};
