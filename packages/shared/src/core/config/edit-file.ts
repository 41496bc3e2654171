import { existsSync } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import path from 'node:path';
import { type Document, isMap, isScalar, parseDocument, YAMLMap } from 'yaml';
import { makePrivateFolder, removeDurably, whileLocked, writePrivateFile } from '../paths/index.ts';
import { ConfigBusyError, ConfigKeyError, ConfigSyntaxError } from './errors.ts';
import { isKeyWord } from './sections.ts';
import { readYamlLayer } from './yaml-file.ts';

/** Sets one key of the file; `undefined` removes it, with the sections that are empty then. @returns whether the file was changed */
export type EditConfigKey = (
  key: readonly string[],
  value: string | number | boolean | undefined,
) => Promise<boolean>;

/** Milliseconds to wait for another command, which may be loading and starting a plugin. */
const LONGEST_WAIT_MS = 60_000;

/**
 * Sets one key of the user's file, see {@link editingConfigFile}.
 *
 * @param key the words of the key: `['plugins', 'inbox', 'module']`
 * @returns whether the file was changed
 * @example
 * ```ts
 * await editConfigFile(paths.configFile, ['plugins', 'inbox', 'module'], '/srv/inbox');
 * ```
 */
export async function editConfigFile(
  file: string,
  ...[key, value]: Parameters<EditConfigKey>
): Promise<boolean> {
  if (value !== undefined && !key.every(isKeyWord)) throw new ConfigKeyError(key.join('.'));
  if (value === undefined && !existsSync(file)) return false;
  return await editingConfigFile(file, (edit) => edit(key, value));
}

/**
 * Changes keys of the user's file, while no other command does. Comments and order stay. The file is created where it is
 * missing, and replaced atomically. If `work` fails, the earlier text of the file is restored, unless an editor has changed it.
 *
 * A key can be removed from a file with other problems, as long as it is YAML, since that may repair it.
 *
 * @returns the result of `work`
 * @throws {ConfigKeyError} when a value is to be set at a key that the configuration cannot hold
 * @throws {ConfigUnreadableError} or {@link ConfigSyntaxError} when the file is invalid already; it is not changed then
 * @throws {ConfigBusyError} when another command does not finish
 */
export async function editingConfigFile<T>(
  file: string,
  work: (edit: EditConfigKey) => Promise<T>,
): Promise<T> {
  await makePrivateFolder(path.dirname(file));
  const busy = (): Error => new ConfigBusyError(file);
  return await whileLocked(`${file}.guard`, { waitMs: LONGEST_WAIT_MS, busy }, async () => {
    const before = await textOf(file);
    let written = before;
    try {
      return await work(async (key, value) => {
        const text = await edited(file, key, value);
        if (text === undefined) return false;
        written = text;
        // A file that is a symbolic link stays one, and its target is replaced.
        await writePrivateFile(await realpath(file).catch(() => file), text);
        return true;
      });
    } catch (error) {
      if (written !== before && (await textOf(file)) === written) {
        if (before === undefined) await removeDurably(file);
        else await writePrivateFile(await realpath(file), before);
      }
      throw error;
    }
  });
}

/** @returns `undefined` if there is no file */
function textOf(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

/** The text of the file with another value at `key`; `undefined` if it has that value already. */
async function edited(file: string, ...[key, value]: Parameters<EditConfigKey>): Promise<string | undefined> {
  if (value !== undefined && !key.every(isKeyWord)) throw new ConfigKeyError(key.join('.'));
  const layer = await readYamlLayer(file, 'user file').catch((error: unknown) => {
    if (value === undefined && error instanceof ConfigSyntaxError) return error;
    throw error;
  });
  const document = parseDocument((await textOf(file)) ?? '');
  if (layer instanceof ConfigSyntaxError && document.errors.length > 0) throw layer;
  if (document.getIn(key) === value) return undefined;
  if (value === undefined) takeOut(document, key);
  else {
    const taken = makeSections(document, key.slice(0, -1))?.join('.');
    if (taken !== undefined) {
      const origin = (layer instanceof ConfigSyntaxError ? undefined : layer.originOf(taken)) ?? {
        layer: 'user file',
        file,
      };
      throw new ConfigSyntaxError([
        { key: taken, message: 'holds a value where there should be keys', origin },
      ]);
    }
    document.setIn(key, value);
  }
  return document.toString({ lineWidth: 0 });
}

/** Turns keys without a value into sections and keeps their comments. @returns the first key that has a value */
function makeSections(document: Document, sections: readonly string[]): readonly string[] | undefined {
  for (let depth = 1; depth <= sections.length; depth += 1) {
    const key = sections.slice(0, depth);
    const node = document.getIn(key, true);
    if (isMap(node)) continue;
    if (node !== undefined && !(isScalar(node) && node.value === null)) return key;
    const section = new YAMLMap(document.schema);
    const comment = node?.comment ?? node?.commentBefore;
    if (comment !== undefined) section.commentBefore = comment;
    document.setIn(key, section);
  }
  return undefined;
}

function takeOut(document: Document, key: readonly string[]): void {
  document.deleteIn(key);
  for (let depth = key.length - 1; depth > 0; depth -= 1) {
    const section = document.getIn(key.slice(0, depth));
    if (isMap(section) && section.items.length === 0) document.deleteIn(key.slice(0, depth));
  }
}
