import { homedir, userInfo } from 'node:os';
import path from 'node:path';
import { HomeFolderUnknownError } from './errors.ts';

/** The folders of one application. */
interface Folders {
  readonly configDir: string;
  readonly dataDir: string;
  readonly stateDir: string;
  readonly cacheDir: string;
  readonly runtimeDir: string;
}

export type PathVariables = Readonly<Record<string, string | undefined>>;

/**
 * The platform's own folders: on Linux those of the XDG base directory specification, on macOS those below `~/Library`,
 * on Windows those below `%APPDATA%` and `%LOCALAPPDATA%`. A variable that is empty or holds a relative path counts as
 * unset, as the XDG specification demands.
 *
 * @throws {HomeFolderUnknownError} when a folder is below the user's home folder, which cannot be determined
 */
export function platformFolders(name: string, env: PathVariables): Folders {
  const folder = (variable: string, ...fallback: readonly string[]): string =>
    absolute(env[variable]) ?? path.join(homeFolder(env), ...fallback);
  switch (process.platform) {
    case 'darwin': {
      const library = path.join(homeFolder(env), 'Library');
      const dataDir = path.join(library, 'Application Support', name);
      return {
        configDir: path.join(library, 'Preferences', name),
        dataDir,
        stateDir: path.join(library, 'Logs', name),
        cacheDir: path.join(library, 'Caches', name),
        runtimeDir: path.join(dataDir, 'run'),
      };
    }
    case 'win32': {
      const local = path.join(folder('LOCALAPPDATA', 'AppData', 'Local'), name);
      return {
        configDir: path.join(folder('APPDATA', 'AppData', 'Roaming'), name, 'Config'),
        dataDir: path.join(local, 'Data'),
        stateDir: path.join(local, 'Log'),
        cacheDir: path.join(local, 'Cache'),
        runtimeDir: path.join(local, 'Data', 'run'),
      };
    }
    default: {
      const dataDir = path.join(folder('XDG_DATA_HOME', '.local', 'share'), name);
      const runtime = absolute(env.XDG_RUNTIME_DIR);
      return {
        configDir: path.join(folder('XDG_CONFIG_HOME', '.config'), name),
        dataDir,
        stateDir: path.join(folder('XDG_STATE_HOME', '.local', 'state'), name),
        cacheDir: path.join(folder('XDG_CACHE_HOME', '.cache'), name),
        runtimeDir: runtime === undefined ? path.join(dataDir, 'run') : path.join(runtime, name),
      };
    }
  }
}

/** The layout below one folder that holds everything. */
export function foldersBelow(home: string): Folders {
  return {
    configDir: path.join(home, 'config'),
    dataDir: path.join(home, 'data'),
    stateDir: path.join(home, 'state'),
    cacheDir: path.join(home, 'cache'),
    runtimeDir: path.join(home, 'run'),
  };
}

/**
 * The user's home folder: `HOME` if it is an absolute path, otherwise the folder in the system's user database.
 * `os.homedir()` alone returns the empty text of an empty `HOME`, and every path below it would be relative.
 *
 * @throws {HomeFolderUnknownError}
 */
export function homeFolder(env: PathVariables = process.env): string {
  const named = process.platform === 'win32' ? homedir() : env.HOME;
  const found = absolute(named) ?? absolute(homeInUserDatabase());
  if (found === undefined) throw new HomeFolderUnknownError();
  return found;
}

function homeInUserDatabase(): string | undefined {
  try {
    return userInfo().homedir;
  } catch {
    // A container may run under a user id that has no entry there.
    return undefined;
  }
}

function absolute(folder: string | undefined): string | undefined {
  return folder !== undefined && path.isAbsolute(folder) ? folder : undefined;
}
