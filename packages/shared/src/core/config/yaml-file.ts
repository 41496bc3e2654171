import { readFile, stat } from 'node:fs/promises';
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type ParsedNode,
  parseDocument,
  YAMLMap,
  YAMLSeq,
} from 'yaml';
import { type ConfigProblem, ConfigSyntaxError, ConfigUnreadableError, type Origin } from './errors.ts';
import { emptyLayer, type Layer, layerOf } from './layer.ts';
import { emptyTree, isForbiddenKey, type Tree } from './tree.ts';

export type FileLayer = 'environment file' | 'user file';

/** More than a person writes, and small enough to be read at once. */
const MOST_BYTES = 1_048_576;

/**
 * Reads a YAML file as a layer. A file that does not exist is an empty layer.
 *
 * @throws {ConfigUnreadableError} when it exists and cannot be read, is not a file, or is over 1 MiB
 * @throws {ConfigSyntaxError} naming every place with line and column: invalid YAML, duplicate keys, aliases, no mapping
 */
export async function readYamlLayer(file: string, layer: FileLayer): Promise<Layer> {
  let bytes: Uint8Array;
  try {
    // Checked first, since reading a pipe or a device might never end.
    const found = await stat(file);
    if (!found.isFile()) throw new Error('it is not a file');
    if (found.size > MOST_BYTES) throw new Error('it is larger than 1 MiB');
    bytes = await readFile(file);
  } catch (error) {
    // ENOTDIR: the folder is a file, which AICOPaths.ensure() reports.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) {
      return emptyLayer();
    }
    throw new ConfigUnreadableError(file, layer, error);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new ConfigUnreadableError(file, layer, new Error('it is not UTF-8 text', { cause: error }));
  }
  return parseYamlLayer(text, file, layer);
}

/** @throws {ConfigSyntaxError} see {@link readYamlLayer} */
function parseYamlLayer(text: string, file: string, layer: FileLayer): Layer {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const problems: ConfigProblem[] = [];
  const origins = new Map<string, Origin>();
  const originAt = (offset: number): Origin => {
    const { line, col } = lines.linePos(offset);
    return { layer, file, line, column: col };
  };
  // The parser's message may contain a value; its code does not.
  for (const { pos, code } of [...document.errors, ...document.warnings]) {
    const message = `not valid YAML (${code.toLowerCase().replaceAll('_', ' ')})`;
    problems.push({ key: '', message, origin: originAt(pos[0]) });
  }
  const tree =
    problems.length > 0
      ? emptyTree()
      : readDocument(document, {
          note: (key, offset) => origins.set(key, originAt(offset)),
          refuse: (key, offset, message) => problems.push({ key, message, origin: originAt(offset) }),
        });
  if (problems.length > 0) throw new ConfigSyntaxError(problems);
  return layerOf(tree, origins);
}

interface Reader {
  readonly note: (key: string, offset: number) => void;
  readonly refuse: (key: string, offset: number, message: string) => void;
}

function readDocument({ contents }: Document.Parsed, reader: Reader): Tree {
  if (contents === null || (isScalar(contents) && contents.value === null)) return emptyTree();
  if (isMap(contents)) return readMap(contents, '', reader);
  reader.refuse('', contents.range[0], 'the file must be keys and values, not a list or a single value');
  return emptyTree();
}

function readMap(map: YAMLMap<ParsedNode, ParsedNode | null>, prefix: string, reader: Reader): Tree {
  const tree = emptyTree();
  for (const { key, value } of map.items) {
    const offset = key.range[0];
    const word = isScalar(key) ? wordOf(key.value) : undefined;
    if (word === undefined) {
      reader.refuse(prefix, offset, 'this key is not a plain word');
      continue;
    }
    if (word.includes('.')) {
      reader.refuse(prefix, offset, 'a key is one word: write each on a line of its own, indented');
      continue;
    }
    const path = prefix === '' ? word : `${prefix}.${word}`;
    reader.note(path, offset);
    tree[word] = readValue(value, path, offset, reader);
  }
  return tree;
}

function wordOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && !isForbiddenKey(value) ? value : undefined;
}

/** A scalar, a list or a map; a key without a value is `null`. */
function readValue(node: ParsedNode | null, key: string, keyOffset: number, reader: Reader): unknown {
  if (node === null) return null;
  if (isAlias(node)) reader.refuse(key, keyOffset, 'aliases are not supported here; write the value out');
  // A tag such as !!set or !!omap makes another kind of map or list.
  else if (isMap(node) && node.constructor === YAMLMap) return readMap(node, key, reader);
  else if (isSeq(node) && node.constructor === YAMLSeq) {
    return node.items.map((item, index) => {
      const offset = item.range[0];
      reader.note(`${key}.${index}`, offset);
      return readValue(item, `${key}.${index}`, offset, reader);
    });
  } else if (isScalar(node) && (node.value === null || typeof node.value !== 'object')) return node.value;
  else reader.refuse(key, keyOffset, 'this value is not plain: text, a number, true, false, a list or keys');
  return null;
}
