import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  realpathSync,
  type Stats,
  statSync,
} from 'node:fs';
import path from 'node:path';
import { AicoError } from '@aico/protocol';
import {
  HomeDanglingError,
  HomeDeniedError,
  HomeExposedError,
  HomeForeignError,
  HomeNotFolderError,
  HomeUnusableError,
} from './errors.ts';
import { giveNameToOwnerOf } from './ownership.ts';

/**
 * Creates a folder and the missing ones above it, durably and for this user alone; those that root creates belong to the
 * owner of the folder above. An existing folder stays as it is.
 */
export function makeFolder(folder: string): void {
  try {
    const first = makeMissing(path.resolve(folder));
    if (first === undefined) return;
    const outside = path.dirname(first);
    for (let made = path.resolve(folder); made !== outside; made = path.dirname(made)) {
      giveNameToOwnerOf(outside, made);
      syncNames(path.dirname(made));
    }
  } catch (error) {
    throw failureOf(folder, error);
  }
}

/**
 * Creates the missing folders and returns the uppermost of them. Node's `recursive: true` is not used: it never ends where
 * the system reports `ENOENT` below an existing folder, as in `/proc`.
 */
function makeMissing(folder: string): string | undefined {
  const above = path.dirname(folder);
  // Only for a missing folder, since the rights to read the folders above are not needed otherwise.
  const first =
    above === folder || statSync(folder, { throwIfNoEntry: false }) !== undefined
      ? undefined
      : makeMissing(above);
  return makeOne(folder) ? (first ?? folder) : first;
}

/** Creates a folder whose parent exists. @returns whether it was missing */
function makeOne(folder: string): boolean {
  try {
    mkdirSync(folder, { mode: 0o700 });
    return true;
  } catch (error) {
    // For an existing folder the system reports EEXIST, and for those above it EROFS or EACCES as well.
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return false;
    throw error;
  }
}

function syncNames(folder: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } catch (error) {
    // Some network file systems cannot sync a folder.
    if (!(error instanceof Error && 'code' in error && (error.code === 'EINVAL' || error.code === 'ENOTSUP')))
      throw error;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Refuses a folder or file that another user could rename and replace, whatever the rights of its files: it and each folder on
 * its path, links resolved, must belong to root or to this user (for root: to the owner of the folder itself), and may be writable for others only
 * with the sticky bit, as `/tmp` is.
 *
 * @throws {HomeForeignError} @throws {HomeExposedError}
 */
export function refuseReplaceable(folder: string): void {
  if (process.platform === 'win32') return;
  try {
    const real = realpathSync(folder);
    const self = process.geteuid?.() ?? 0;
    const owners = new Set([0, self === 0 ? statSync(real).uid : self]);
    for (let at = real; ; at = path.dirname(at)) {
      const { uid, mode } = statSync(at);
      if (!owners.has(uid)) throw new HomeForeignError(at, uid);
      if ((mode & 0o002) !== 0 && (mode & 0o1000) === 0) throw new HomeExposedError(at, mode & 0o7777);
      if (path.dirname(at) === at) return;
    }
  } catch (error) {
    throw failureOf(folder, error);
  }
}

/** Creates a folder for this user alone, restricts the rights of an existing one, and checks that it can be used. */
export function ensurePrivateFolder(folder: string): void {
  makeFolder(folder);
  // Root may use the folder of any user, such as a volume of a container; another user's folder could be a trap for others.
  tighten(folder, statSync, (owner, self) => owner === self || self === 0);
}

/**
 * {@link ensurePrivateFolder} for a place where every user may write: an existing entry must be a folder of this user and no
 * link, since another user could have created it in advance.
 */
export function ensurePrivateFolderAmongStrangers(folder: string): void {
  makeFolder(folder);
  tighten(folder, lstatSync, (owner, self) => owner === self);
}

function tighten(
  folder: string,
  read: (folder: string) => Stats,
  mayBelongTo: (owner: number, self: number) => boolean,
): void {
  try {
    const found = read(folder);
    if (!found.isDirectory()) throw new HomeNotFolderError(folder, undefined);
    // Windows has no such rights: the folders of a profile belong to its user.
    if (process.platform !== 'win32') {
      if (!mayBelongTo(found.uid, process.geteuid?.() ?? 0)) throw new HomeForeignError(folder, found.uid);
      if ((found.mode & 0o077) !== 0) chmodSync(folder, 0o700);
    }
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw failureOf(folder, error);
  }
}

function failureOf(folder: string, error: unknown): Error {
  if (error instanceof AicoError) return error;
  const dangling = danglingLink(folder);
  if (dangling !== undefined) return new HomeDanglingError(dangling, error);
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOTDIR':
    case 'EEXIST':
      return new HomeNotFolderError(folder, error);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new HomeDeniedError(folder, error);
    default:
      return new HomeUnusableError(folder, error);
  }
}

/** The dangling link at `folder` or above it, which system calls report in different ways. */
function danglingLink(folder: string): string | undefined {
  for (let at = folder; ; at = path.dirname(at)) {
    try {
      if (lstatSync(at).isSymbolicLink() && statSync(at, { throwIfNoEntry: false }) === undefined) return at;
    } catch {
      // Missing or not readable: the folders above are checked next.
    }
    if (path.dirname(at) === at) return undefined;
  }
}
