import { createHash } from 'node:crypto';
import { accessSync, chmodSync, constants, mkdirSync, statSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import envPaths from 'env-paths';
import { HomeForeignError, HomeUnusableError } from './errors.ts';

export interface AICOPathsOptions {
  /** Puts everything under this folder. Default: `AICO_HOME`, else the platform's own folders. */
  readonly home?: string | undefined;
  /** Where `AICO_HOME` and the platform's variables are read. Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
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
    const root = home ?? (env.AICO_HOME || undefined);
    if (root === undefined) {
      const own = envPaths('aico', { suffix: '' });
      this.home = undefined;
      this.configDir = own.config;
      this.dataDir = own.data;
      this.stateDir = own.log;
      this.cacheDir = own.cache;
      this.runtimeDir = env.XDG_RUNTIME_DIR
        ? path.join(env.XDG_RUNTIME_DIR, 'aico')
        : path.join(own.data, 'run');
    } else {
      this.home = path.resolve(root);
      this.configDir = path.join(this.home, 'config');
      this.dataDir = path.join(this.home, 'data');
      this.stateDir = path.join(this.home, 'state');
      this.cacheDir = path.join(this.home, 'cache');
      this.runtimeDir = path.join(this.home, 'run');
    }
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
   * @throws {HomeUnusableError} when a folder cannot be made, read or written
   * @throws {HomeForeignError} when one belongs to somebody else
   */
  ensure(): void {
    const folders = [this.configDir, this.dataDir, this.stateDir, this.cacheDir, this.runtimeDir];
    if (this.home !== undefined) makeFolder(this.home);
    if (process.platform !== 'win32') folders.push(path.dirname(this.#socketFile));
    for (const folder of folders) ensurePrivateFolder(folder);
  }
}

function ensurePrivateFolder(folder: string): void {
  makeFolder(folder);
  try {
    const { mode, uid } = statSync(folder);
    if (process.platform !== 'win32') {
      // Root may use anybody's folder and takes it over; for everybody else a foreign folder is a trap.
      const self = userInfo().uid;
      if (uid !== self && self !== 0) throw new HomeForeignError(folder, uid);
      if ((mode & 0o077) !== 0) chmodSync(folder, 0o700);
    }
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    if (error instanceof HomeForeignError) throw error;
    throw new HomeUnusableError(folder, error);
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new HomeUnusableError(folder, error);
  }
}

function socketFileFor(runtimeDir: string): string {
  const hash = createHash('sha256').update(runtimeDir).digest('hex').slice(0, 16);
  if (process.platform === 'win32') return `\\\\.\\pipe\\aico-${hash}`;
  const natural = path.join(runtimeDir, 'api.sock');
  if (Buffer.byteLength(natural) <= LONGEST_SOCKET_PATH) return natural;
  return path.join(tmpdir(), `aico-${userInfo().uid}-${hash}`, 'api.sock');
}
