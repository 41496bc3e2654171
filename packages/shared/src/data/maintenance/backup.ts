import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Worker } from 'node:worker_threads';
import { parseJson } from '@aico/protocol';
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import {
  copyPrivateFile,
  createPrivateFile,
  makePrivateFolder,
  moveDurably,
  removeDurably,
  syncFile,
  WriteUnconfirmedError,
  writePrivateFile,
} from '../../core/paths/index.ts';
import { systemErrorIn } from '../../core/system-errors/index.ts';
import { wipe } from '../../security/index.ts';
import { hkdfSha256, INTERNAL_LABELS, isSameMac, macOf } from '../../security/internal.ts';
import type { VerifiedCopy } from '../engine/encrypted-copy.ts';
import { readHead } from '../file/database-head.ts';
import { DatabaseGoneError } from '../file/errors.ts';
import { withSharedKey } from '../file/with-key.ts';
import { bytesOf, requireSpace } from './disk-space.ts';
import { BackupDamagedError, BackupFailedError } from './errors.ts';
import {
  type HomeFile,
  type HomeFilePlaces,
  openHomeFiles,
  readHomeFiles,
  sealHomeFiles,
} from './home-files.ts';

const Part = Type.Object(
  { bytes: Type.Integer({ minimum: 0 }), sha256: Type.String({ maxLength: 64 }) },
  { additionalProperties: false },
);
/** The manifest of a backup, as a schema. */
export const backupManifest = Type.Object(
  {
    format: Type.Literal('aico-backup'),
    /** Version 1 is of an earlier release and does not contain the configuration and bus grants. */
    version: Type.Union([Type.Literal(1), Type.Literal(2)]),
    createdAt: Type.String({ maxLength: 64 }),
    databaseId: Type.String({ maxLength: 64 }),
    commits: Type.Integer({ minimum: 0 }),
    cipher: Type.Union([Type.Literal('aegis'), Type.Literal('sqlcipher')]),
    database: Part,
    keySlots: Part,
    home: Type.Optional(Part),
  },
  { additionalProperties: false },
);
const Signed = Type.Object(
  { ...backupManifest.properties, mac: Type.String({ maxLength: 64 }) },
  { additionalProperties: false },
);

/** The manifest of a backup. */
export type BackupManifest = Static<typeof backupManifest>;

/** The names of the files in the folder of a backup. */
export const BACKUP_FILES = {
  database: 'aico.db',
  keySlots: 'key-slots.json',
  home: 'home.sealed',
  manifest: 'backup.json',
} as const;

/** The home that is backed up, and the folder of its backups. */
export interface BackupOptions {
  /** The database; it may be in use. */
  readonly file: string;
  readonly slotsFile: string;
  /** The places of the configuration and the bus grants. */
  readonly home: HomeFilePlaces;
  /** The database's key. The caller wipes it. */
  readonly key: Uint8Array;
  /** The folder in which the folder of the backup is created. */
  readonly directory: string;
  readonly now?: () => Date;
}

/** A finished backup. */
export interface Backup {
  readonly folder: string;
  readonly manifest: BackupManifest;
}

/** The parts of a home that a backup does not hold, as a sentence to show. */
export const NOT_IN_A_BACKUP =
  'Not in it: what opens the keys without a human (key file, keyring entry, systemd credential), the backends elsewhere that this machine is paired with, the credential files of bus components, the code of plugins, and environment variables.';

/**
 * Makes a backup in a new folder: the encrypted database, its key slots, and the configuration and bus grants, encrypted with a key
 * that is derived from the database's. The copy is a snapshot; the database can be read and written meanwhile. The folder gets its
 * final name only after the copy has been verified, so a folder of that name is a complete backup.
 *
 * @throws {SpaceMissingError} @throws {DatabaseGoneError} before anything is written
 * @throws {BackupFailedError} when the backup is not complete; at most a folder that ends in `.partial` is left
 */
export async function makeBackup(options: BackupOptions): Promise<Backup> {
  const { file, slotsFile, home, key, directory, now = () => new Date() } = options;
  const head = await readHead(file, key);
  if (head?.isOurs !== true) throw new DatabaseGoneError(file);
  await makePrivateFolder(directory);
  await requireSpace(
    directory,
    (await bytesOf(file)) + ((await stat(`${file}-wal`).catch(() => undefined))?.size ?? 0),
  );
  const createdAt = now().toISOString();
  const folder = path.join(directory, `aico-backup-${createdAt.replace(/[:.]/g, '-')}`);
  const partial = `${folder}.partial`;
  try {
    await makePrivateFolder(partial);
    const place = (name: keyof typeof BACKUP_FILES): string => path.join(partial, BACKUP_FILES[name]);
    // The file is private before it has any content.
    await createPrivateFile(place('database'));
    const { stamp } = await copyInThread(file, key, head.head.cipher, place('database'));
    await syncFile(place('database'));
    await copyPrivateFile(slotsFile, place('keySlots'));
    await writePrivateFile(
      place('home'),
      sealHomeFiles(await readHomeFiles(home), key, homeContextOf(stamp.id, createdAt)),
    );
    const manifest: BackupManifest = {
      format: 'aico-backup',
      version: 2,
      createdAt,
      databaseId: stamp.id,
      commits: stamp.commits,
      cipher: head.head.cipher,
      database: await describe(place('database')),
      keySlots: await describe(place('keySlots')),
      home: await describe(place('home')),
    };
    await writePrivateFile(place('manifest'), textOf(manifest, manifestMac(manifest, key)));
    await moveDurably(partial, folder);
    return { folder, manifest };
  } catch (error) {
    // The backup is complete and has its name; only a power loss could still undo the rename.
    if (error instanceof WriteUnconfirmedError && error.file === folder) throw error;
    await removeDurably(partial).catch(() => undefined);
    throw new BackupFailedError(directory, error);
  }
}

/**
 * Reads the manifest of a backup, and checks its files against it. The manifest is authenticated with the backup's key: {@link
 * proveBackup}.
 *
 * @throws {BackupDamagedError} when a file is missing, truncated or changed, or the backup has another version
 */
export async function readBackup(
  folder: string,
): Promise<{ readonly manifest: BackupManifest; readonly mac: string }> {
  const there = await stat(folder).catch((error: unknown) => {
    refuseIfUnreadable(error);
    return undefined;
  });
  if (there === undefined) throw new BackupDamagedError(folder, 'there is no such folder');
  if (!there.isDirectory()) throw new BackupDamagedError(folder, 'it is a file, and a backup is a folder');
  let content: string;
  let parsed: unknown;
  try {
    content = await readFile(path.join(folder, BACKUP_FILES.manifest), 'utf8');
    parsed = parseJson(content);
  } catch (error) {
    refuseIfUnreadable(error);
    throw new BackupDamagedError(folder, `${BACKUP_FILES.manifest} cannot be read`, error);
  }
  if (!Check(Signed, parsed))
    throw new BackupDamagedError(folder, `${BACKUP_FILES.manifest} is not of a version known here`);
  const { mac, ...manifest } = parsed;
  if (textOf(manifest, mac) !== content)
    throw new BackupDamagedError(folder, `${BACKUP_FILES.manifest} is not in the form it was written in`);
  if ((manifest.version === 2) !== (manifest.home !== undefined))
    throw new BackupDamagedError(folder, `${BACKUP_FILES.manifest} is not in the form it was written in`);
  for (const name of ['database', 'keySlots', 'home'] as const) {
    const expected = manifest[name];
    if (expected === undefined) continue;
    const found = await describe(path.join(folder, BACKUP_FILES[name])).catch((error: unknown) => {
      refuseIfUnreadable(error);
      throw new BackupDamagedError(folder, `${BACKUP_FILES[name]} cannot be read`, error);
    });
    if (found.bytes !== expected.bytes || found.sha256 !== expected.sha256)
      throw new BackupDamagedError(folder, `${BACKUP_FILES[name]} is not as it was written`);
  }
  return { manifest, mac };
}

/** Rethrows a system error such as EACCES, which does not show that the backup is damaged. A missing file does. */
function refuseIfUnreadable(error: unknown): void {
  const system = systemErrorIn(error);
  if (system !== undefined && system.errno !== 'ENOENT') throw system;
}

/** @throws {BackupDamagedError} when the backup was not made by the holder of `key` */
export function proveBackup(
  folder: string,
  { manifest, mac }: { readonly manifest: BackupManifest; readonly mac: string },
  key: Uint8Array,
): void {
  if (!isSameMac(mac, manifestMac(manifest, key)))
    throw new BackupDamagedError(folder, 'it was not made by the holder of its keys');
}

/**
 * Decrypts the configuration and bus grants of an authenticated backup; `undefined` for a backup of version 1.
 * @throws {BackupDamagedError} when they cannot be decrypted
 */
export async function homeFilesOf(
  folder: string,
  { version, databaseId, createdAt }: BackupManifest,
  key: Uint8Array,
): Promise<readonly HomeFile[] | undefined> {
  if (version === 1) return undefined;
  const sealed = await readFile(path.join(folder, BACKUP_FILES.home));
  const files = openHomeFiles(sealed, key, homeContextOf(databaseId, createdAt));
  if (files === undefined) throw new BackupDamagedError(folder, `${BACKUP_FILES.home} cannot be decrypted`);
  return files;
}

/** The associated data of the sealed files, which binds them to this backup. */
function homeContextOf(databaseId: string, createdAt: string): string {
  return `aico-backup-home 2 ${databaseId} ${createdAt}`;
}

function textOf(manifest: BackupManifest, mac: string): string {
  return `${JSON.stringify({ ...manifest, mac }, undefined, 2)}\n`;
}

function manifestMac(manifest: BackupManifest, key: Uint8Array): string {
  const macKey = hkdfSha256(key, new Uint8Array(0), INTERNAL_LABELS.backupManifest, 32);
  try {
    return macOf(JSON.stringify(manifest), macKey);
  } finally {
    wipe(macKey);
  }
}

async function copyInThread(
  file: string,
  key: Uint8Array,
  cipher: 'aegis' | 'sqlcipher',
  target: string,
): Promise<VerifiedCopy> {
  return await withSharedKey(key, async (shared) => {
    const worker = new Worker(new URL('../engine/copy-worker.ts', import.meta.url), {
      workerData: { source: { file, key: shared, cipher }, target },
      name: 'backup',
    });
    try {
      return await new Promise<VerifiedCopy>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
        worker.once('exit', (code) => reject(new Error(`the copying thread ended with ${code}`)));
      });
    } finally {
      await worker.terminate();
    }
  });
}

async function describe(file: string): Promise<BackupManifest['database']> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return { bytes: (await stat(file)).size, sha256: hash.digest('hex') };
}
