import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Credentials } from '@aico/client';
import { type AICOPaths, writePrivateFile } from '@aico/shared/core/paths';
import { RemoteUnknownError, RemoteUnreadableError, UsageError } from './errors.ts';

/** A backend elsewhere that this machine has been paired with. */
export interface Remote {
  /** What `--via` calls it. */
  readonly name: string;
  readonly address: string;
  readonly credentials: Credentials;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/**
 * The backends elsewhere that this home knows, a file each that only this user may read: `config/remotes/NAME.json`.
 * Whoever has such a file is the device, as with a key of SSH.
 */
export class Remotes {
  readonly #folder: string;

  constructor(paths: AICOPaths) {
    this.#folder = path.join(paths.configDir, 'remotes');
  }

  /**
   * @throws {UsageError} for a name that is none, or is taken
   */
  async add(remote: Remote): Promise<string> {
    await this.checkFree(remote.name);
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const file = this.#file(remote.name);
    await writePrivateFile(file, `${JSON.stringify(remote, null, 2)}\n`);
    return file;
  }

  /** Asked before pairing: a code is used once. @throws {UsageError} */
  async checkFree(name: string): Promise<void> {
    if (!NAME.test(name))
      throw new UsageError(
        `"${name}" cannot be a name`,
        'Give one with --as: letters, digits, dots and dashes.',
      );
    if ((await this.#names()).includes(name))
      throw new UsageError(
        `there is a backend called "${name}" already`,
        `Forget it first: aico device forget ${name}`,
      );
  }

  /**
   * The one of this name, or at this address.
   * @throws {RemoteUnknownError}
   * @throws {RemoteUnreadableError}
   */
  async find(nameOrAddress: string): Promise<Remote> {
    const all = await this.list();
    const found =
      all.find(({ name }) => name === nameOrAddress) ?? all.find(({ address }) => address === nameOrAddress);
    if (found === undefined)
      throw new RemoteUnknownError(
        nameOrAddress,
        all.map(({ name }) => name),
      );
    return found;
  }

  /** @throws {RemoteUnreadableError} */
  async list(): Promise<readonly Remote[]> {
    return Promise.all((await this.#names()).map((name) => this.#read(name)));
  }

  /** @throws {RemoteUnknownError} */
  async forget(name: string): Promise<void> {
    const names = await this.#names();
    if (!names.includes(name)) throw new RemoteUnknownError(name, names);
    await rm(this.#file(name));
  }

  async #names(): Promise<readonly string[]> {
    const files = await readdir(this.#folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    return files.filter((file) => file.endsWith('.json')).map((file) => file.slice(0, -'.json'.length));
  }

  async #read(name: string): Promise<Remote> {
    const file = this.#file(name);
    try {
      const content: unknown = JSON.parse(await readFile(file, 'utf8'));
      if (isRemote(content)) return { ...content, name };
    } catch (error) {
      throw new RemoteUnreadableError(file, error);
    }
    throw new RemoteUnreadableError(file, 'it is not what `aico device join` wrote');
  }

  #file(name: string): string {
    return path.join(this.#folder, `${name}.json`);
  }
}

/** The keys in it are checked when they are used. */
function isRemote(value: unknown): value is Remote {
  return (
    typeof value === 'object' &&
    value !== null &&
    'address' in value &&
    typeof value.address === 'string' &&
    'credentials' in value &&
    typeof value.credentials === 'object' &&
    value.credentials !== null
  );
}
