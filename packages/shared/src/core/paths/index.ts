export { AICOPaths, type AICOPathsOptions } from './aico-paths.ts';
export {
  HomeDanglingError,
  HomeDeniedError,
  HomeForeignError,
  HomeNotFolderError,
  HomeUnusableError,
} from './errors.ts';
export { syncFolder, writePrivateFile } from './private-file.ts';
