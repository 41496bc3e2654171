import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import {
  chmod,
  copyFile,
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  stat,
  unlink,
} from 'node:fs/promises';
import path from 'node:path';
import { AicoError } from '@aico/protocol';
import { errnoOf, SystemError } from '../system-errors/index.ts';
import { WriteUnconfirmedError } from './errors.ts';
import { giveToOwnerOf } from './ownership.ts';

/*
 * The only file of the project that writes, renames or removes files and folders (`one-writer.test.ts` finds any other).
 * Each function follows the same rules: its change survives a power loss once its promise resolves; a crash leaves the old
 * state or the new one; a file that root creates belongs to the owner of its folder.
 */

const DRAFT = /^\.[0-9a-f]{12}\.tmp$/;

/** How a file of the home is written. */
export interface WriteOptions {
  /** `false`: an existing file is an error (`errno` is `EEXIST`) and stays as it is. Default `true`. */
  readonly replace?: boolean;
}

/**
 * Writes a file that only its owner may read (0600), atomically: a reader, or a start after a crash, sees the old content
 * or the new one. Durable when it resolves.
 *
 * @param content an iterable is written as it is read; if it fails, so does the write
 * @throws {SystemError} the file is as it was
 * @throws {WriteUnconfirmedError} the new content is in force, but the disk has not confirmed it
 * @example
 * ```ts
 * await writePrivateFile(paths.instanceFile, JSON.stringify(instance));
 * ```
 */
export async function writePrivateFile(
  file: string,
  content: string | Uint8Array | AsyncIterable<Uint8Array>,
  options: WriteOptions = {},
): Promise<void> {
  await replaceWith(file, options, async (draft) => {
    const handle = await open(draft, 'wx', 0o600);
    try {
      await giveToOwnerOf(path.dirname(file), handle);
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
  });
}

/** Copies a file under the same rules as {@link writePrivateFile}. */
export async function copyPrivateFile(
  source: string,
  target: string,
  options: WriteOptions = {},
): Promise<void> {
  await replaceWith(target, options, async (draft) => {
    // Private before it has any content.
    await (await open(draft, 'wx', 0o600)).close();
    await copyFile(source, draft);
    const handle = await open(draft, 'r+');
    try {
      await handle.chmod(0o600);
      await giveToOwnerOf(path.dirname(target), handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
  });
}

/**
 * Creates an empty private file for an engine to fill, after which {@link syncFile} makes it durable.
 * @throws {SystemError} when it exists already (`EEXIST`), and as {@link writePrivateFile}
 */
export async function createPrivateFile(file: string): Promise<void> {
  await told(file, 'create', async () => {
    const handle = await open(file, 'wx', 0o600);
    try {
      await giveToOwnerOf(path.dirname(file), handle);
    } finally {
      await handle.close();
    }
  });
}

/** Creates a private folder and the missing ones above it. An existing folder stays as it is. */
export async function makePrivateFolder(folder: string): Promise<void> {
  await told(folder, 'create', async () => {
    const first = await makeMissing(path.resolve(folder));
    if (first === undefined) return;
    for (let made = path.resolve(folder); ; made = path.dirname(made)) {
      const handle = await open(made, constants.O_RDONLY);
      try {
        await giveToOwnerOf(path.dirname(first), handle);
      } finally {
        await handle.close();
      }
      await syncFolder(path.dirname(made));
      if (made === first) return;
    }
  });
}

/**
 * Creates the missing folders and returns the uppermost of them. Node's `recursive: true` is not used: it never ends where
 * the system reports `ENOENT` below an existing folder, as in `/proc`.
 */
async function makeMissing(folder: string): Promise<string | undefined> {
  const above = path.dirname(folder);
  const first = above === folder || (await exists(folder)) ? undefined : await makeMissing(above);
  try {
    await mkdir(folder, { mode: 0o700 });
    return first ?? folder;
  } catch (error) {
    // It exists, or another process has created it meanwhile.
    if (await exists(folder, (found) => found.isDirectory())) return first;
    throw error;
  }
}

async function exists(file: string, is: (found: Stats) => boolean = () => true): Promise<boolean> {
  try {
    return is(await stat(file));
  } catch (error) {
    if (error instanceof Error && errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/**
 * Renames a file or folder and replaces a file of that name; the content must be durable already.
 * @throws {WriteUnconfirmedError} it is renamed, but the disk has not confirmed it
 */
export async function moveDurably(from: string, to: string): Promise<void> {
  await told(to, 'rename a file to', () => rename(from, to));
  await confirm(to, [path.dirname(to), path.dirname(from)]);
}

/**
 * Removes a file, or a folder with its content, and the drafts that interrupted writes of that file left behind. Does
 * nothing where nothing exists.
 */
export async function removeDurably(file: string): Promise<void> {
  const folder = path.dirname(file);
  const name = path.basename(file);
  const found = await told(file, 'remove', async () =>
    (await readdir(folder).catch(absent)).filter(
      (entry) => entry === name || (entry.startsWith(name) && DRAFT.test(entry.slice(name.length))),
    ),
  );
  if (found.length === 0) return;
  await told(file, 'remove', async () => {
    for (const entry of found) await rm(path.join(folder, entry), { recursive: true, force: true });
  });
  await confirm(file, [folder]);
}

/** Removes all rights to a file except its owner's. */
export async function tightenFile(file: string): Promise<void> {
  await told(file, 'change the rights of', () => chmod(file, 0o600));
}

/** Makes a file durable that an engine has written. */
export async function syncFile(file: string): Promise<void> {
  await told(file, 'store', async () => {
    const handle = await open(file, 'r+');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  });
}

/** Makes the names in `folder` durable, where the system supports it: Windows and some network file systems do not. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  await told(folder, 'store the names in', async () => {
    const handle = await open(folder, constants.O_RDONLY);
    try {
      await handle.sync();
    } catch (error) {
      if (!['EINVAL', 'ENOTSUP', 'EOPNOTSUPP'].includes(codeOf(error))) throw error;
    } finally {
      await handle.close();
    }
  });
}

/** How a file of the home is read. */
export interface ReadOptions {
  /** `false`: a symbolic link is an error (`ELOOP`). Default `true`. */
  readonly followLinks?: boolean;
}

/** Opens a file that is only read. @throws the system's error */
export async function openToRead(
  file: string,
  { followLinks = true }: ReadOptions = {},
): Promise<FileHandle> {
  return await open(file, constants.O_RDONLY | (followLinks ? 0 : constants.O_NOFOLLOW));
}

async function replaceWith(
  file: string,
  { replace = true }: WriteOptions,
  write: (draft: string) => Promise<void>,
): Promise<void> {
  const draft = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  await told(file, 'write', async () => {
    try {
      await write(draft);
      if (replace) await rename(draft, file);
      else await takeName(draft, file);
    } catch (error) {
      // The failure above is the one to report; a draft that stays is removed with the file.
      await rm(draft, { force: true }).catch(() => undefined);
      throw error;
    }
  });
  await confirm(file, [path.dirname(file)]);
}

/** Gives the draft its name unless another file has it. Without hard links the name is reserved first. */
async function takeName(draft: string, file: string): Promise<void> {
  try {
    await link(draft, file);
  } catch (error) {
    if (!['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK'].includes(codeOf(error))) throw error;
    await (await open(file, 'wx', 0o600)).close();
    await rename(draft, file);
    return;
  }
  // The file has its name; a draft's name that stays is removed with the file.
  await unlink(draft).catch(() => undefined);
}

/** Syncs the folders of a change that is visible already. */
async function confirm(file: string, folders: readonly string[]): Promise<void> {
  try {
    for (const folder of new Set(folders)) await syncFolder(folder);
  } catch (error) {
    throw new WriteUnconfirmedError(file, error);
  }
}

/** @throws {SystemError} instead of the system's error, with the name of the file and not of its draft */
async function told<T>(file: string, doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error) || error instanceof AicoError) throw error;
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    throw new SystemError({ errno, syscall: doing, target: file, cause: error });
  }
}

function absent(error: unknown): never[] {
  if (codeOf(error) === 'ENOENT') return [];
  throw error;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
