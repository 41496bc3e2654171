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
 * Makes a folder and those above it, durably and for this user alone (made by root: for the owner of the folder they lie
 * in). One that exists is left as it is.
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
 * Makes the folders that are missing and returns the uppermost of them. Not `recursive: true` of Node: that one never
 * ends where the system says `ENOENT` below a folder that exists, as in `/proc`.
 */
function makeMissing(folder: string): string | undefined {
  const above = path.dirname(folder);
  // Only where it is missing: rights to look at the folders above are not needed otherwise.
  const first =
    above === folder || statSync(folder, { throwIfNoEntry: false }) !== undefined
      ? undefined
      : makeMissing(above);
  return makeOne(folder) ? (first ?? folder) : first;
}

/** Whether the folder had to be made; its parent exists. */
function makeOne(folder: string): boolean {
  try {
    mkdirSync(folder, { mode: 0o700 });
    return true;
  } catch (error) {
    // What the system says of one that exists differs: EEXIST, and for those above it EROFS or EACCES as well.
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
    // Some network file systems know no sync of a folder.
    if (!(error instanceof Error && 'code' in error && (error.code === 'EINVAL' || error.code === 'ENOTSUP')))
      throw error;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Refuses a folder that somebody else could rename and replace, since the rights of what lies in it would not help then:
 * each folder on its path must belong to root or to this user (for root: to the owner of the folder itself), and be
 * writable for others only where the sticky bit keeps their hands off, as in `/tmp`.
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

/** Makes a folder for this user alone, tightens one that is too open, and tries whether it can be used. */
export function ensurePrivateFolder(folder: string): void {
  makeFolder(folder);
  // Root may use anybody's folder (a volume mounted into a container); for everybody else a foreign one is a trap.
  tighten(folder, statSync, (owner, self) => owner === self || self === 0);
}

/**
 * The same for a folder in a place where everybody may write: what stands there already must be a folder, no link, and
 * this user's own, or somebody laid it there first to be served in our stead.
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
    // Windows keeps rights elsewhere: a profile's folders are its user's own.
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

/** The link that leads nowhere, at `folder` or above it: what the system says of one differs from call to call. */
function danglingLink(folder: string): string | undefined {
  for (let at = folder; ; at = path.dirname(at)) {
    try {
      if (lstatSync(at).isSymbolicLink() && statSync(at, { throwIfNoEntry: false }) === undefined) return at;
    } catch {
      // Not there, or not to be looked at: what lies above may tell.
    }
    if (path.dirname(at) === at) return undefined;
  }
}
