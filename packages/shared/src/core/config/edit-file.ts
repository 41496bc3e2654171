import { readFile, realpath } from 'node:fs/promises';
import path from 'node:path';
import { type Document, isMap, isScalar, parseDocument, YAMLMap } from 'yaml';
import { makePrivateFolder, writePrivateFile } from '../paths/index.ts';
import { ConfigKeyError, ConfigSyntaxError } from './errors.ts';
import { isKeyWord } from './sections.ts';
import { readYamlLayer } from './yaml-file.ts';

/**
 * Sets one key of the user's file; `undefined` removes it, with the sections that are empty then. Comments and order stay.
 * The file is created where it is missing, and replaced atomically.
 *
 * A key can be removed from a file with other problems, as long as it is YAML, since that may repair it.
 *
 * @param key the words of the key: `['plugins', 'inbox', 'module']`
 * @returns whether the file was changed
 * @throws {ConfigKeyError} when a value is to be set at a key that the configuration cannot hold
 * @throws {ConfigUnreadableError} or {@link ConfigSyntaxError} when the file is invalid already; it is not changed then
 * @example
 * ```ts
 * await editConfigFile(paths.configFile, ['plugins', 'inbox', 'module'], '/srv/inbox');
 * ```
 */
export async function editConfigFile(
  file: string,
  key: readonly string[],
  value: string | number | boolean | undefined,
): Promise<boolean> {
  if (value !== undefined && !key.every(isKeyWord)) throw new ConfigKeyError(key.join('.'));
  const layer = await readYamlLayer(file, 'user file').catch((error: unknown) => {
    if (value === undefined && error instanceof ConfigSyntaxError) return error;
    throw error;
  });
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const document = parseDocument(text);
  if (layer instanceof ConfigSyntaxError && document.errors.length > 0) throw layer;
  if (document.getIn(key) === value) return false;
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
  await makePrivateFolder(path.dirname(file));
  // A file that is a symbolic link stays one, and its target is replaced.
  const target = await realpath(file).catch(() => file);
  await writePrivateFile(target, document.toString({ lineWidth: 0 }));
  return true;
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
