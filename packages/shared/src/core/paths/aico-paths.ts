import { createHash } from 'node:crypto';
import path from 'node:path';
import { foldersBelow, type PathVariables, platformFolders } from './platform-folders.ts';
import {
  ensurePrivateFolder,
  ensurePrivateFolderAmongStrangers,
  makeFolder,
  refuseReplaceable,
} from './private-folder.ts';
import { resolveUserPath } from './user-path.ts';

export interface AICOPathsOptions {
  /** Puts everything under this folder. Default: `AICO_HOME`, else the platform's own folders. */
  readonly home?: string | undefined;
  /** Where `AICO_HOME` and the platform's variables are read. Default `process.env`. */
  readonly env?: PathVariables;
}

/** A Unix domain socket's path may have 107 bytes on Linux, 103 on macOS. */
const LONGEST_SOCKET_PATH = 103;

/**
 * Where everything lies. Reads no files and makes none until {@link ensure}.
 *
 * Without `AICO_HOME` the platform's own folders are used: on Linux those of the XDG base directory specification.
 *
 * @example
 * ```ts
 * const paths = new AICOPaths({ home: '/srv/aico' });
 * paths.ensure();
 * paths.databaseFile; // /srv/aico/data/aico.db
 * ```
 */
export class AICOPaths {
  /** The folder that holds everything, where one does. */
  readonly home: string | undefined;
  readonly configDir: string;
  readonly dataDir: string;
  readonly stateDir: string;
  readonly cacheDir: string;
  /** For the socket: small, and gone after a reboot where the platform has such a place. */
  readonly runtimeDir: string;
  readonly #socketFile: string;

  constructor({ home, env = process.env }: AICOPathsOptions = {}) {
    const root = home || env.AICO_HOME || undefined;
    this.home = root === undefined ? undefined : resolveUserPath(root, { env });
    const folders = this.home === undefined ? platformFolders('aico', env) : foldersBelow(this.home);
    this.configDir = folders.configDir;
    this.dataDir = folders.dataDir;
    this.stateDir = folders.stateDir;
    this.cacheDir = folders.cacheDir;
    this.runtimeDir = folders.runtimeDir;
    this.#socketFile = socketFileFor(this.runtimeDir);
  }

  /** The user's configuration. */
  get configFile(): string {
    return path.join(this.configDir, 'config.yaml');
  }

  /** The configuration of one environment, below the user's. */
  environmentFile(environment: string): string {
    return path.join(this.configDir, `${environment}.yaml`);
  }

  get databaseFile(): string {
    return path.join(this.dataDir, 'aico.db');
  }

  /** The wrapped root key. */
  get keySlotsFile(): string {
    return path.join(this.dataDir, 'key-slots.json');
  }

  /** The key that opens the key-file slot, on a machine without a password. */
  get keyFile(): string {
    return path.join(this.configDir, 'aico.key');
  }

  /** The Unix domain socket of the API; a named pipe on Windows. Short enough for the system, whatever the home. */
  get socketFile(): string {
    return this.#socketFile;
  }

  /** Who may take part in the bus from outside. */
  get busGrantsFile(): string {
    return path.join(this.dataDir, 'bus-grants.json');
  }

  get lockFile(): string {
    return path.join(this.dataDir, 'aico.lock');
  }

  /** Who runs on this home: see `aico status`. */
  get instanceFile(): string {
    return path.join(this.dataDir, 'instance.json');
  }

  /**
   * Makes every folder, for this user alone (0700), and tightens those that are too open. The home itself is made
   * where it is missing but never tightened: it may be a folder that others use too.
   *
   * @throws {HomeNotFolderError} when a file stands where a folder should be
   * @throws {HomeDanglingError} when a folder is a link that leads nowhere
   * @throws {HomeDeniedError} when this user may not make, read or write one
   * @throws {HomeForeignError} when one, or a folder above it, belongs to somebody else
   * @throws {HomeExposedError} when everybody may replace one
   * @throws {HomeUnusableError} when one cannot be used for another reason
   */
  ensure(): void {
    if (this.home !== undefined) {
      makeFolder(this.home);
      refuseReplaceable(this.home);
    }
    for (const folder of [this.configDir, this.dataDir, this.stateDir, this.cacheDir, this.runtimeDir]) {
      ensurePrivateFolder(folder);
      refuseReplaceable(folder);
    }
    const socketDir = path.dirname(this.#socketFile);
    if (process.platform !== 'win32' && socketDir !== this.runtimeDir)
      ensurePrivateFolderAmongStrangers(socketDir);
  }
}

/**
 * Beside the other files where the path is short enough, else in a folder of this user's in `/tmp`: not in `TMPDIR`,
 * which may be long as well, and may differ between the one who serves and the one who calls.
 */
function socketFileFor(runtimeDir: string): string {
  const hash = createHash('sha256').update(runtimeDir).digest('hex').slice(0, 16);
  if (process.platform === 'win32') return `\\\\.\\pipe\\aico-${hash}`;
  const natural = path.join(runtimeDir, 'api.sock');
  if (Buffer.byteLength(natural) <= LONGEST_SOCKET_PATH) return natural;
  return path.join('/tmp', `aico-${process.geteuid?.() ?? 0}-${hash}`, 'api.sock');
}
