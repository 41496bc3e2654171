import { homedir } from 'node:os';
import path from 'node:path';
import envPaths from 'env-paths';

/** Where one application keeps its things. */
export interface Folders {
  readonly configDir: string;
  readonly dataDir: string;
  readonly stateDir: string;
  readonly cacheDir: string;
  readonly runtimeDir: string;
}

export type PathVariables = Readonly<Record<string, string | undefined>>;

/**
 * The platform's own folders: on Linux and its kin those of the XDG base directory specification, read from `env`
 * (`env-paths` would read this process's variables as they were when it was loaded, and take relative ones, which the
 * specification tells to ignore).
 */
export function platformFolders(name: string, env: PathVariables): Folders {
  if (process.platform === 'darwin' || process.platform === 'win32') {
    const { config, data, log, cache } = envPaths(name, { suffix: '' });
    return {
      configDir: config,
      dataDir: data,
      stateDir: log,
      cacheDir: cache,
      runtimeDir: path.join(data, 'run'),
    };
  }
  const home = absolute(env.HOME) ?? homedir();
  const folder = (variable: string, ...otherwise: readonly string[]): string =>
    path.join(absolute(env[variable]) ?? path.join(home, ...otherwise), name);
  const dataDir = folder('XDG_DATA_HOME', '.local', 'share');
  const runtime = absolute(env.XDG_RUNTIME_DIR);
  return {
    configDir: folder('XDG_CONFIG_HOME', '.config'),
    dataDir,
    stateDir: folder('XDG_STATE_HOME', '.local', 'state'),
    cacheDir: folder('XDG_CACHE_HOME', '.cache'),
    runtimeDir: runtime === undefined ? path.join(dataDir, 'run') : path.join(runtime, name),
  };
}

/** Everything below one folder. */
export function foldersBelow(home: string): Folders {
  return {
    configDir: path.join(home, 'config'),
    dataDir: path.join(home, 'data'),
    stateDir: path.join(home, 'state'),
    cacheDir: path.join(home, 'cache'),
    runtimeDir: path.join(home, 'run'),
  };
}

function absolute(folder: string | undefined): string | undefined {
  return folder !== undefined && path.isAbsolute(folder) ? folder : undefined;
}
