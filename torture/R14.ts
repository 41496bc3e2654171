/**
 * R14: conditions under which `aico start` must refuse to start. Each is refused quickly, with a specific exit code, a message and
 * a hint, and without altering a file. In addition, a disk fills up or fails under writes: every acknowledged write is stored
 * afterwards.
 */
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Campaign } from './campaign.ts';
import { AICO, Child, type ChildOptions } from './fixtures/child.ts';
import { filesBelow } from './fixtures/scanner.ts';
import { CASES, type Case, type Stage } from './fixtures/troubles.ts';

/** Milliseconds within which a refusal must be printed. */
const WITHIN_MS = 2_000;

/**
 * Every file with a digest of its content. A start may leave behind an unlocked lock file, and the record of its refusal: the
 * pending event of a failed unlocking, and its log lines in a spool.
 */
async function snapshot(home: string): Promise<ReadonlyMap<string, string>> {
  const files = (await filesBelow([home])).filter(
    (file) => !/aico\.lock(?:-journal)?$|api\.sock$|audit-pending\.ndjson$|\d+\.spool$/.test(file),
  );
  const digests = files.map(async (file) => {
    const digest = createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
    return [path.relative(home, file), digest] as const;
  });
  return new Map(await Promise.all(digests));
}

function differences(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): readonly string[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names]
    .filter((name) => before.get(name) !== after.get(name))
    .map((name) =>
      !after.has(name) ? `${name} is gone` : before.has(name) ? `${name} was altered` : `${name} was made`,
    );
}

function stageFor(home: string, password: string): Stage {
  const start = (args: readonly string[] = [], options: ChildOptions = {}): Child =>
    new Child(AICO, ['start', ...args], {
      ...options,
      env: {
        AICO_HOME: home,
        AICO_CORE__API_GATEWAY__REST__PORT: '0',
        AICO_CORE__LOGGING__CONSOLE__ENABLED: 'false',
        ...options.env,
      },
    });
  return { home, password, start, aico: (args) => new Child(AICO, args, { env: { AICO_HOME: home } }) };
}

/** Runs one case. @returns descriptions of the faults, and the duration of the refusal */
async function run({ prepare, start, code, says, mayChange }: Case, stage: Stage) {
  const wrong: string[] = [];
  await using trouble = await prepare(stage);
  if (trouble.live !== undefined) return { wrong: await trouble.live(), took: undefined };
  const before = await snapshot(stage.home);
  const beganAt = performance.now();
  const child = stage.start(start?.args?.(stage), { ...start?.options, ...trouble.options });
  const giveUp = setTimeout(() => child.kill(), 60_000);
  const ended = await child.ended;
  clearTimeout(giveUp);
  const took = trouble.options?.under === undefined ? Math.round(performance.now() - beganAt) : undefined;
  const told = child.stderr.trim();
  if (ended.code !== code)
    wrong.push(`exit code ${ended.code ?? ended.signal} instead of ${code}: ${told.slice(0, 400)}`);
  if (!says.test(told)) wrong.push(`the message does not match ${says}: ${told.slice(0, 400)}`);
  if (!/^hint: \S/m.test(told)) wrong.push(`there is no hint: ${told.slice(0, 400)}`);
  const changed = differences(before, await snapshot(stage.home));
  wrong.push(...changed.filter((each) => mayChange?.test(each) !== true));
  return { wrong, took };
}

/** Makes a home that was started once and stopped, which each case copies. */
async function makeTemplate(password: string | undefined): Promise<string> {
  const home = await mkdtemp(path.join(tmpdir(), 'aico-r14-'));
  const child = stageFor(home, '').start(['--json'], {
    env: password === undefined ? {} : { AICO_CORE__SECURITY__PASSWORD: password },
    onLine: () => child.kill('SIGTERM'),
  });
  const { code } = await child.ended;
  if (code !== 0) throw new Error(`the home was not created: ${child.stderr}`);
  return home;
}

export const campaign: Campaign = async ({ count = CASES.length, report }) => {
  const password = 'correct horse battery staple';
  const [byKeyFile, byPassword] = await Promise.all([makeTemplate(undefined), makeTemplate(password)]);
  const skipped: string[] = [];
  const codes: Record<string, number | undefined> = {};
  let [runs, failures, late, slowestMs] = [0, 0, 0, 0];
  try {
    for (const each of CASES.slice(0, count)) {
      const reason = each.skip?.();
      if (reason !== undefined) {
        skipped.push(each.name);
        report(`skipped: ${each.name}: ${reason}`);
        continue;
      }
      const home = await mkdtemp(path.join(tmpdir(), 'aico-r14-'));
      await cp(each.protectedBy === 'password' ? byPassword : byKeyFile, home, { recursive: true });
      const { wrong, took } = await run(each, stageFor(home, password)).finally(() =>
        rm(home, { recursive: true, force: true }),
      );
      runs += 1;
      codes[each.name] = each.code;
      slowestMs = Math.max(slowestMs, took ?? 0);
      const isLate = took !== undefined && took > WITHIN_MS;
      if (isLate) late += 1;
      if (wrong.length > 0) failures += 1;
      report(
        `${wrong.length > 0 ? 'FAILED' : isLate ? 'late' : 'ok'}: ${each.name}${took === undefined ? '' : `, ${took} ms`}`,
      );
      for (const what of wrong) report(`  ${what}`);
    }
  } finally {
    for (const home of [byKeyFile, byPassword]) await rm(home, { recursive: true, force: true });
  }
  return { runs, failures, ok: failures === 0, late, slowestMs, skipped, codes };
};
