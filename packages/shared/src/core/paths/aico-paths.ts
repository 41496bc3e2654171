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

/** The home, or the folders of the platform, that paths are below. */
export interface AICOPathsOptions {
  /** Puts everything under this folder. Default: `AICO_HOME`, else the platform's own folders. */
  readonly home?: string | undefined;
  /** Where `AICO_HOME` and the platform's variables are read. Default `process.env`. */
  readonly env?: PathVariables;
}

/** The path of a Unix domain socket may have 107 bytes on Linux and 103 on macOS. */
const LONGEST_SOCKET_PATH = 103;

/**
 * The paths of all files and folders of an installation. Reads and creates nothing before {@link ensure}.
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
  /** The folder that holds everything, where `AICO_HOME` or an argument names one. */
  readonly home: string | undefined;
  readonly configDir: string;
  readonly dataDir: string;
  readonly stateDir: string;
  readonly cacheDir: string;
  /** The folder of the socket; where the platform has one, a folder that is emptied at a reboot. */
  readonly runtimeDir: string;
  /** Plugins in this folder are loaded at every start. It is not created: only its owner puts code there. */
  readonly pluginsDir: string;
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
    this.pluginsDir = path.join(this.home ?? folders.dataDir, 'plugins');
    this.#socketFile = socketFileFor(this.runtimeDir);
  }

  /** The user's configuration. */
  get configFile(): string {
    return path.join(this.configDir, 'config.yaml');
  }

  /** The configuration of one environment, over which the user's takes precedence. */
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

  /** The Unix domain socket of the API, or a named pipe on Windows. Its path is short enough for the system with any home. */
  get socketFile(): string {
    return this.#socketFile;
  }

  /** The processes that have access to the bus. */
  get busGrantsFile(): string {
    return path.join(this.dataDir, 'bus-grants.json');
  }

  /** Events for the audit trail that happened while the database was closed. */
  get auditPendingFile(): string {
    return path.join(this.dataDir, 'audit-pending.ndjson');
  }

  /** The key of this node, where several backends share a home. */
  get nodeKeyFile(): string {
    return path.join(this.dataDir, 'node.key');
  }

  get lockFile(): string {
    return path.join(this.dataDir, 'aico.lock');
  }

  /** The process that runs on this home. */
  get instanceFile(): string {
    return path.join(this.dataDir, 'instance.json');
  }

  /**
   * Creates every folder, for this user alone (0700), and restricts the rights of existing ones. The home itself is created
   * where it is missing, and its rights stay as they are, since it may be a folder with other uses.
   *
   * @throws {HomeNotFolderError} when a file stands where a folder should be
   * @throws {HomeDanglingError} when a folder is a link that leads nowhere
   * @throws {HomeDeniedError} when this user may not make, read or write one
   * @throws {HomeForeignError} when one, or a folder above it, belongs to another user
   * @throws {HomeExposedError} when every user may replace one
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
 * The socket is beside the other files where its path is short enough, else in a folder of this user in `/tmp`. `TMPDIR` is
 * not used: it may be long as well, and may differ between the backend and its callers.
 */
function socketFileFor(runtimeDir: string): string {
  const natural = path.join(runtimeDir, 'api.sock');
  if (process.platform !== 'win32' && Buffer.byteLength(natural) <= LONGEST_SOCKET_PATH) return natural;
  const hash = createHash('sha256').update(runtimeDir).digest('hex').slice(0, 16);
  if (process.platform === 'win32') return `\\\\.\\pipe\\aico-${hash}`;
  return path.join('/tmp', `aico-${process.geteuid?.() ?? 0}-${hash}`, 'api.sock');
}
