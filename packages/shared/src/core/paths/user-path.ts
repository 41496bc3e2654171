import { existsSync } from 'node:fs';
import path from 'node:path';
import { PathInvalidError } from './errors.ts';
import { homeFolder, type PathVariables } from './platform-folders.ts';

/** Options of {@link resolveUserPath}. */
export interface UserPathOptions {
  /** The folder that a relative path starts from. Default: the current folder. */
  readonly base?: string;
  /** Where `HOME` is read. Default `process.env`. */
  readonly env?: PathVariables;
}

/**
 * The absolute path that a person means by `text`, be it an argument, an environment variable or a value in a
 * configuration file. `~` and `~/…` are replaced by the user's home folder: a shell expands them only where they are not
 * quoted, and a service manager never does.
 *
 * @throws {PathInvalidError} when it is empty, contains a NUL, or names another user's home folder (`~name`)
 * @throws {HomeFolderUnknownError} when it begins with `~` and the user's home folder cannot be determined
 * @example resolveUserPath('~/Mail') === '/home/me/Mail'
 */
export function resolveUserPath(text: string, { base = process.cwd(), env }: UserPathOptions = {}): string {
  if (text.trim() === '') throw new PathInvalidError(text, 'it is empty');
  if (text.includes('\0')) throw new PathInvalidError(text, 'it contains a NUL character');
  if (isBelowHomeFolder(text)) return path.resolve(homeFolder(env), text.slice(2));
  const resolved = path.resolve(base, text);
  const [first = ''] = text.split(/[/\\]/, 1);
  // Names such as `~$report.docx` are those of files; the folder of a user who is called so must exist.
  if (/^~[a-z_][a-z0-9_-]*$/i.test(first) && !existsSync(path.resolve(base, first)))
    throw new PathInvalidError(text, `the home folder of another user (${first}) is not looked up`);
  return resolved;
}

/** Whether `text` is written as a path, and not as the name of a package. */
export function isPathLike(text: string): boolean {
  return path.isAbsolute(text) || isBelowHomeFolder(text) || /^\.\.?([/\\]|$)/.test(text);
}

function isBelowHomeFolder(text: string): boolean {
  return /^~([/\\]|$)/.test(text);
}
