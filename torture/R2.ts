/**
 * R2: flipped bits, swapped pages, truncated files, and truncated or altered write-ahead logs, in both ciphers. Every read returns
 * exactly the right rows or is refused as damage. A wrong row is a failure, and so is an altered file that passes all reads and
 * `integrity_check`.
 *
 * A log that was truncated or altered may lack commits, and is then refused as rolled back. Faults that cannot be detected are
 * counted separately and are not failures: an earlier version of a page is valid at its position, and with aegis so is the same page
 * of another database with the same key.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Campaign } from './campaign.ts';
import { below, type Random, randomFrom } from './fixtures/random.ts';
import {
  type Files,
  layOut,
  makeSpecimen,
  openFiles,
  PAGE_BYTES,
  readAll,
  type Specimen,
} from './fixtures/specimen.ts';

const FULL_COUNT = 1_000;
const IN_PARALLEL = 3;

const DATABASE = 'aico.db';
const LOG = 'aico.db-wal';

/** The codes of errors that report damaged files. */
const DAMAGE =
  /^(?:AICO_DATABASE_(?:ROLLED_BACK|HEAD_MISSING)|AICO_DATA_(?:CORRUPT|NOT_A_DATABASE|HEAD_DAMAGED|CIPHER_DIFFERS|GONE|KEY_WRONG|PLAINTEXT))$/;

type Outcome = 'refused at open' | 'refused at read' | 'found by the check' | 'unnoticed' | 'older' | 'wrong';

interface Fault {
  readonly kind: string;
  readonly what: string;
  readonly files: Files;
  /** The correct states. */
  readonly right: readonly string[];
  /** Whether the fault can be detected from the pages. */
  readonly isTold: boolean;
}

function withFile(files: Files, name: string, content: Buffer): Files {
  return new Map([...files, [name, content]]);
}

function contentOf(files: Files, name: string): Buffer {
  const content = files.get(name);
  if (content === undefined) throw new Error(`the specimen has no ${name}`);
  return content;
}

function flipped(content: Buffer, random: Random): { bad: Buffer; at: string } {
  const [byte, bit] = [below(random, content.byteLength), below(random, 8)];
  const bad = Buffer.from(content);
  bad.writeUInt8(bad.readUInt8(byte) ^ (1 << bit), byte);
  return { bad, at: `bit ${bit} of byte ${byte}` };
}

function pageOf(content: Buffer, page: number): Buffer {
  return content.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
}

/** Makes a random fault of a kind. */
type Draw = (specimen: Specimen, random: Random) => Omit<Fault, 'kind' | 'right' | 'isTold'>;

const flip: Draw = ({ closed }, random) => {
  const { bad, at } = flipped(contentOf(closed, DATABASE), random);
  return { what: at, files: withFile(closed, DATABASE, bad) };
};

const swap: Draw = ({ closed }, random) => {
  const good = contentOf(closed, DATABASE);
  const pages = good.byteLength / PAGE_BYTES;
  const bad = Buffer.from(good);
  const [one, other] = [below(random, pages), below(random, pages - 1)];
  const two = other >= one ? other + 1 : other;
  pageOf(good, two).copy(bad, one * PAGE_BYTES);
  pageOf(good, one).copy(bad, two * PAGE_BYTES);
  return { what: `pages ${one} and ${two}`, files: withFile(closed, DATABASE, bad) };
};

/** Replaces a page by the same page of `from`. */
function replacePage({ closed }: Specimen, from: Files, random: Random): ReturnType<Draw> {
  const bad = Buffer.from(contentOf(closed, DATABASE));
  const strange = contentOf(from, DATABASE);
  const page = 1 + below(random, Math.min(bad.byteLength, strange.byteLength) / PAGE_BYTES - 1);
  pageOf(strange, page).copy(bad, page * PAGE_BYTES);
  return { what: `page ${page}`, files: withFile(closed, DATABASE, bad) };
}

const strangersPage: Draw = (specimen, random) => replacePage(specimen, specimen.other, random);
const earlierPage: Draw = (specimen, random) => replacePage(specimen, specimen.earlier, random);

const truncate: Draw = ({ closed }, random) => {
  const good = contentOf(closed, DATABASE);
  const pages = good.byteLength / PAGE_BYTES;
  const bytes = random() < 0.5 ? below(random, good.byteLength) : below(random, pages) * PAGE_BYTES;
  return { what: `cut to ${bytes} bytes`, files: withFile(closed, DATABASE, good.subarray(0, bytes)) };
};

const foreign: Draw = ({ closed, other }) => ({
  what: 'another database with the same key, under the head of this one',
  files: withFile(closed, DATABASE, contentOf(other, DATABASE)),
});

const logFlip: Draw = ({ open }, random) => {
  const { bad, at } = flipped(contentOf(open, LOG), random);
  return { what: `${at} of the log`, files: withFile(open, LOG, bad) };
};

const logCut: Draw = ({ open }, random) => {
  const good = contentOf(open, LOG);
  const bytes = below(random, good.byteLength);
  return { what: `log cut to ${bytes} bytes`, files: withFile(open, LOG, good.subarray(0, bytes)) };
};

interface Kind {
  readonly kind: string;
  readonly draw: Draw;
  /** The number of bit flips for each fault of this kind. */
  readonly every: number;
  readonly log?: boolean;
  readonly isTold: boolean;
}

const KINDS: readonly Kind[] = [
  { kind: 'flipped bit', draw: flip, every: 1, isTold: true },
  { kind: 'swapped pages', draw: swap, every: 5, isTold: true },
  { kind: 'truncated', draw: truncate, every: 20, isTold: true },
  { kind: 'another database', draw: foreign, every: 500, isTold: true },
  { kind: 'flipped bit in the log', draw: logFlip, every: 10, log: true, isTold: true },
  { kind: 'cut log', draw: logCut, every: 20, log: true, isTold: true },
  { kind: 'page of an earlier moment', draw: earlierPage, every: 20, isTold: false },
  { kind: 'page of another database, same key', draw: strangersPage, every: 20, isTold: false },
];

/** Opens the files and reads all rows. */
async function suffer(folder: string, cipher: Specimen['cipher'], fault: Fault): Promise<Outcome> {
  await layOut(folder, fault.files);
  let db: Awaited<ReturnType<typeof openFiles>>;
  try {
    db = await openFiles(folder, cipher);
  } catch (error) {
    return refusal(error) ? 'refused at open' : 'wrong';
  }
  try {
    const rows = await readAll(db).catch((error: unknown) => ({ error }));
    if (typeof rows !== 'string') return refusal(rows.error) ? 'refused at read' : 'wrong';
    if (!fault.right.includes(rows)) return 'wrong';
    if (rows !== fault.right.at(-1)) return 'older';
    const integrity = await db.execute('PRAGMA integrity_check').catch((error: unknown) => ({ error }));
    if ('error' in integrity) return refusal(integrity.error) ? 'found by the check' : 'wrong';
    return integrity.fetchOne()?.integrity_check === 'ok' ? 'unnoticed' : 'found by the check';
  } finally {
    await db.close().catch(() => undefined);
  }
}

function refusal(error: unknown): boolean {
  return error instanceof Error && 'code' in error && DAMAGE.test(String(error.code));
}

/** Whether the outcome is a failure for a fault of this kind. The bytes of a log after its last commit are never read. */
function isFailure({ isTold, right }: Fault, outcome: Outcome): boolean {
  const isLog = right.length > 1;
  return isTold && (outcome === 'wrong' || outcome === 'older' || (outcome === 'unnoticed' && !isLog));
}

export const campaign: Campaign = async ({ count = FULL_COUNT, seed, report }) => {
  const random = randomFrom(seed);
  const specimens = await Promise.all([makeSpecimen('aegis'), makeSpecimen('sqlcipher')]);
  const faults = KINDS.flatMap(({ kind, draw, every, log, isTold }) =>
    Array.from({ length: Math.ceil(count / every) }, (_, index) => {
      const specimen = specimens[index % 2] ?? specimens[0];
      const right = log === true ? specimen.states : specimen.states.slice(0, 1);
      return { cipher: specimen.cipher, fault: { kind, right, isTold, ...draw(specimen, random) } };
    }),
  );
  const tally: Record<string, Partial<Record<Outcome, number>>> = {};
  let failures = 0;
  let done = 0;
  const queue = faults.values();
  const root = await mkdtemp(path.join(tmpdir(), 'aico-r2-'));
  const work = async (folder: string): Promise<void> => {
    for (const { cipher, fault } of queue) {
      const outcome = await suffer(folder, cipher, fault);
      const name = `${fault.kind}, ${cipher}`;
      const outcomes = tally[name] ?? {};
      tally[name] = { ...outcomes, [outcome]: (outcomes[outcome] ?? 0) + 1 };
      if (isFailure(fault, outcome)) {
        failures += 1;
        report(`${fault.kind}, ${cipher}, ${fault.what}: ${outcome}`);
      }
      done += 1;
      if (done % 200 === 0) report(`${done} of ${faults.length}, ${failures} failures`);
    }
  };
  try {
    await Promise.all(Array.from({ length: IN_PARALLEL }, (_, index) => work(path.join(root, `${index}`))));
  } finally {
    await rm(root, { recursive: true, force: true });
  }
  for (const [kind, outcomes] of Object.entries(tally)) report(`${kind}: ${JSON.stringify(outcomes)}`);
  return { runs: faults.length, failures, ok: failures === 0, tally };
};
