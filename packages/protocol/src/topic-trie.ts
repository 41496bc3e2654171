import { parsePattern, parseTopic } from './topics.ts';

interface Node<T> {
  readonly children: Map<string, Node<T>>;
  readonly values: Set<T>;
}

/**
 * Finds the values of all patterns that match a topic. The cost of `match` depends on the depth of the topic and not on the
 * number of patterns; recent topics are cached.
 *
 * @example
 * ```ts
 * const trie = new TopicTrie<string>();
 * trie.add('logs.*', 'viewer');
 * trie.match('logs.gateway'); // ['viewer']
 * ```
 */
export class TopicTrie<T> {
  readonly #root: Node<T> = createNode();
  readonly #remembered = new Map<string, readonly T[]>();
  readonly #memory: number;
  #size = 0;

  /** @param memory the number of topics whose matches are cached */
  constructor(memory = 4_096) {
    this.#memory = memory;
  }

  /** The number of values, counted once for every pattern they were added under. */
  get size(): number {
    return this.#size;
  }

  /**
   * Adding the same value under the same pattern again changes nothing.
   *
   * @throws {TopicInvalidError} when `pattern` is malformed
   */
  add(pattern: string, value: T): void {
    let node = this.#root;
    for (const segment of parsePattern(pattern)) {
      let child = node.children.get(segment);
      if (child === undefined) {
        child = createNode();
        node.children.set(segment, child);
      }
      node = child;
    }
    if (node.values.has(value)) return;
    node.values.add(value);
    this.#size += 1;
    this.#remembered.clear();
  }

  /** Removes `value` from `pattern`. Returns `false` if it was not there. */
  remove(pattern: string, value: T): boolean {
    const path: { readonly node: Node<T>; readonly segment: string }[] = [];
    let node = this.#root;
    for (const segment of parsePattern(pattern)) {
      const child = node.children.get(segment);
      if (child === undefined) return false;
      path.push({ node, segment });
      node = child;
    }
    if (!node.values.delete(value)) return false;
    this.#size -= 1;
    this.#remembered.clear();
    // Empty branches are removed, so that adding and removing leaves nothing behind.
    for (const { node: parent, segment } of path.reverse()) {
      const child = parent.children.get(segment);
      if (child === undefined || child.values.size > 0 || child.children.size > 0) break;
      parent.children.delete(segment);
    }
    return true;
  }

  /**
   * The values of all patterns that match `topic`, each once. The array is shared: it is never changed, and a new one is
   * created after `add` or `remove`.
   *
   * @throws {TopicInvalidError} when `topic` is malformed
   */
  match(topic: string): readonly T[] {
    const remembered = this.#remembered.get(topic);
    if (remembered !== undefined) return remembered;
    const found = new Set<T>();
    collect(this.#root, parseTopic(topic), 0, found);
    const matches: readonly T[] = [...found];
    if (this.#remembered.size >= this.#memory) {
      const [oldest] = this.#remembered.keys();
      if (oldest !== undefined) this.#remembered.delete(oldest);
    }
    if (this.#memory > 0) this.#remembered.set(topic, matches);
    return matches;
  }
}

function collect<T>(node: Node<T>, segments: readonly string[], depth: number, found: Set<T>): void {
  const segment = segments[depth];
  if (segment === undefined) {
    for (const value of node.values) found.add(value);
    return;
  }
  for (const value of node.children.get('>')?.values ?? []) found.add(value);
  for (const key of [segment, '*']) {
    const child = node.children.get(key);
    if (child !== undefined) collect(child, segments, depth + 1, found);
  }
}

function createNode<T>(): Node<T> {
  return { children: new Map(), values: new Set() };
}
