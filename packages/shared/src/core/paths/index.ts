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
  type WriteOptions,
  writePrivateFile,
} from './durable-files.ts';
export {
  FileDeniedError,
  FileUnusableError,
  fileFailure,
  HomeDanglingError,
  HomeDeniedError,
  HomeExposedError,
  HomeForeignError,
  HomeNotFolderError,
  HomeUnusableError,
  WriteUnconfirmedError,
} from './errors.ts';
