export { AICOPaths, type AICOPathsOptions } from './aico-paths.ts';
export {
  copyPrivateFile,
  createPrivateFile,
  makePrivateFolder,
  moveDurably,
  openToRead,
  type ReadOptions,
  removeDurably,
  syncFile,
  syncFolder,
  tightenFile,
  type WriteOptions,
  writePrivateFile,
} from './durable-files.ts';
export {
  HomeDanglingError,
  HomeDeniedError,
  HomeExposedError,
  HomeFolderUnknownError,
  HomeForeignError,
  HomeNotFolderError,
  HomeUnusableError,
  PathInvalidError,
  WriteUnconfirmedError,
} from './errors.ts';
export { giveNameToOwnerOf } from './ownership.ts';
export { type PreparedFile, prepareFile } from './prepared-file.ts';
export { ensurePrivateFolder, refuseReplaceable } from './private-folder.ts';
export { shellQuoted } from './shell-quoted.ts';
export { removeSpoolFile, SpoolFile, SpoolReader } from './spool-file.ts';
export { whileLocked } from './system-lock.ts';
export { isPathLike, resolveUserPath, type UserPathOptions } from './user-path.ts';
