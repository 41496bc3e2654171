import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Credentials } from '@aico/client';
import { parseJson } from '@aico/protocol';
import { type AICOPaths, makePrivateFolder, prepareFile, removeDurably } from '@aico/shared/core/paths';
import { RemoteUnknownError, RemoteUnreadableError, UsageError } from '../errors.ts';

/** A backend elsewhere with which this machine is paired. */
interface Remote {
  /** Its name for `--via`. */
  readonly name: string;
  readonly address: string;
  readonly credentials: Credentials;
}

/** A file reserved for a remote, which is filled once the pairing has succeeded. */
interface PreparedRemote {
  fill(remote: Remote): Promise<void>;
  discard(): Promise<void>;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/**
 * The backends elsewhere with which this home is paired, each in one file, `config/remotes/NAME.json`, that only this user may
 * read. The file authenticates the device, like a private key of SSH.
 */
export class Remotes {
  readonly #folder: string;

  constructor(paths: AICOPaths) {
    this.#folder = path.join(paths.configDir, 'remotes');
  }

  /**
   * Checks that a remote can be stored under `name`, before the pairing.
   * @throws {UsageError} for a name that is invalid or taken
   */
  async prepare(name: string): Promise<PreparedRemote> {
    await this.checkFree(name);
    await makePrivateFolder(this.#folder);
    const prepared = await prepareFile(this.#file(name));
    return {
      fill: (remote) => prepared.fill(`${JSON.stringify(remote, null, 2)}\n`),
      discard: () => prepared.discard(),
    };
  }

  /**
   * Checks the name before the pairing, since a code can be used only once.
   * @throws {UsageError}
   */
  async checkFree(name: string): Promise<void> {
    if (!NAME.test(name))
      throw new UsageError(
        `"${name}" is not a valid name`,
        'Give one with --as: letters, digits, dots and dashes.',
      );
    if ((await this.#names()).includes(name))
      throw new UsageError(
        `a backend called "${name}" is already known`,
        `Forget it first: aico device forget ${name}`,
      );
  }

  /**
   * Finds the remote of this name or address.
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
    await removeDurably(this.#file(name));
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
      const content: unknown = parseJson(await readFile(file, 'utf8'));
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

/** Whether a file has the form of a remote. Its keys are checked when they are used. */
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
