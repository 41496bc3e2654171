import { readFile } from 'node:fs/promises';
import { isAlias, isMap, isScalar, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml';
import { ConfigSyntaxError, ConfigUnreadableError, type Origin } from './errors.ts';
import { emptyTree, isForbiddenKey, type Tree } from './tree.ts';

/** Values by key, and where each one came from. */
export interface Layer {
  readonly tree: Tree;
  readonly originOf: (key: string) => Origin | undefined;
}

export function emptyLayer(): Layer {
  return { tree: emptyTree(), originOf: () => undefined };
}

/**
 * Reads a YAML file as a layer; one that does not exist is empty.
 *
 * @throws {ConfigUnreadableError} when it exists and cannot be read
 * @throws {ConfigSyntaxError} with line and column: not YAML, a key twice, aliases, no mapping
 */
export async function readYamlLayer(file: string, layer: 'environment file' | 'user file'): Promise<Layer> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    // ENOTDIR: the folder itself is no folder, which is for AICOPaths.ensure() to say.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) {
      return emptyLayer();
    }
    throw new ConfigUnreadableError(file, error);
  }
  return parseYamlLayer(text, file, layer);
}

/** @throws {ConfigSyntaxError} see {@link readYamlLayer} */
export function parseYamlLayer(text: string, file: string, layer: 'environment file' | 'user file'): Layer {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const positionOf = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const fail = (offset: number, reason: string): never => {
    const { line, column } = positionOf(offset);
    throw new ConfigSyntaxError(file, line, column, reason);
  };
  const [error] = document.errors;
  // The parser's own sentence may repeat a value; its code does not.
  if (error) fail(error.pos[0], `not valid YAML (${error.code.toLowerCase().replaceAll('_', ' ')})`);
  const origins = new Map<string, Origin>();
  const read = (map: YAMLMap, prefix: string): Tree => {
    const tree = emptyTree();
    for (const { key, value } of map.items) {
      const node = key as Node;
      const offset = node.range?.[0] ?? 0;
      if (!isScalar(node) || isForbiddenKey(String(node.value)))
        return fail(offset, 'this key is not a plain word');
      const word = String(node.value);
      const path = prefix === '' ? word : `${prefix}.${word}`;
      origins.set(path, { layer, file, ...positionOf(offset) });
      if (isAlias(value)) return fail(offset, 'aliases are not supported here; write the value out');
      tree[word] = isMap(value)
        ? read(value, path)
        : plainValue(value, () => fail(offset, 'this value is not plain'));
    }
    return tree;
  };
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === null)) return emptyLayer();
  if (!isMap(contents))
    return fail(contents.range?.[0] ?? 0, 'the file must be keys and values, not a list or a single value');
  return { tree: read(contents, ''), originOf: (key) => origins.get(key) };
}

/** A scalar, or a list of scalars; a key without a value is `null`. */
function plainValue(value: unknown, refuse: () => never): unknown {
  if (value === null) return null;
  if (isScalar(value)) return value.value;
  if (typeof value !== 'object' || !('toJSON' in value) || typeof value.toJSON !== 'function')
    return refuse();
  const json: unknown = value.toJSON();
  return Array.isArray(json) ? json : refuse();
}
