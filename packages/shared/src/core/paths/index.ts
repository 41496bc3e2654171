export { AICOPaths, type AICOPathsOptions } from './aico-paths.ts';
export { HomeForeignError, HomeUnusableError } from './errors.ts';
export { writePrivateFile } from './private-file.ts';
