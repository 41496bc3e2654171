import { findCycles, findMissing, type GraphProblem, type Vertex } from './container/graph-problems.ts';
import { PriorityQueue } from './container/priority-queue.ts';
import { DependencyGraphError } from './errors.ts';

export type { GraphProblem } from './container/graph-problems.ts';

/** One service as the graph sees it. */
export interface GraphNode {
  readonly name: string;
  /** The names it needs before it may start. Naming one twice is the same as once. */
  readonly dependencies: readonly string[];
  /** Lower first, among those that are ready at the same moment. Default 100. */
  readonly priority?: number;
}

/**
 * Who needs whom, and in what order they may start. Pure: it is asked before anything runs, and reports every
 * problem at once. Building, checking and ordering take time linear in nodes and edges (times the logarithm of
 * how many are ready at the same moment).
 *
 * @example
 * ```ts
 * const graph = new DependencyGraph([
 *   { name: 'journal', dependencies: ['database'] },
 *   { name: 'database', dependencies: [] },
 * ]);
 * graph.order(); // ['database', 'journal']
 * ```
 */
export class DependencyGraph {
  readonly #vertices = new Map<string, Vertex>();
  readonly #problems: readonly GraphProblem[];

  constructor(nodes: Iterable<GraphNode>) {
    const counts = new Map<string, number>();
    for (const { name, dependencies, priority = 100 } of nodes) {
      const seen = counts.get(name) ?? 0;
      counts.set(name, seen + 1);
      if (seen > 0) continue;
      const unique = dependencies.length > 1 ? [...new Set(dependencies)] : dependencies;
      this.#vertices.set(name, {
        name,
        index: this.#vertices.size,
        priority,
        dependencies: unique,
        dependents: [],
      });
    }
    for (const vertex of this.#vertices.values()) {
      for (const dependency of vertex.dependencies)
        this.#vertices.get(dependency)?.dependents.push(vertex.name);
    }
    this.#problems = [
      ...[...counts]
        .filter(([, count]) => count > 1)
        .map(([name, count]) => ({ kind: 'duplicate' as const, name, count, path: [name] })),
      ...findMissing(this.#vertices),
      ...findCycles(this.#vertices),
    ];
  }

  /** Everything that is wrong with it; empty when it can be started. */
  get problems(): readonly GraphProblem[] {
    return this.#problems;
  }

  /** @throws {DependencyGraphError} naming every problem with its path */
  check(): void {
    if (this.#problems.length > 0) throw new DependencyGraphError(this.#problems);
  }

  /**
   * Every name, dependencies before their dependents. Among those ready at the same moment the lower priority
   * comes first, then the earlier registration.
   *
   * @throws {DependencyGraphError} naming every problem with its path
   */
  order(): readonly string[] {
    this.check();
    const open = new Map<string, number>();
    const ready = new PriorityQueue<Vertex>(comesBefore);
    for (const vertex of this.#vertices.values()) {
      open.set(vertex.name, vertex.dependencies.length);
      if (vertex.dependencies.length === 0) ready.push(vertex);
    }
    const order: string[] = [];
    for (let vertex = ready.pop(); vertex !== undefined; vertex = ready.pop()) {
      order.push(vertex.name);
      for (const name of vertex.dependents) {
        const left = (open.get(name) ?? 0) - 1;
        open.set(name, left);
        const dependent = this.#vertices.get(name);
        if (left === 0 && dependent !== undefined) ready.push(dependent);
      }
    }
    return order;
  }

  /** What `name` itself asks for; not what those need in turn. */
  dependenciesOf(name: string): readonly string[] {
    return this.#vertices.get(name)?.dependencies ?? [];
  }

  /** Who asks for `name` itself. */
  dependentsOf(name: string): readonly string[] {
    return this.#vertices.get(name)?.dependents ?? [];
  }

  /** Everything that stands on any of `names`, directly or through others; without `names` themselves. */
  standingOn(names: Iterable<string>): ReadonlySet<string> {
    const start = [...names];
    const reached = new Set<string>(start);
    const open = [...start];
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      for (const dependent of this.dependentsOf(name)) {
        if (reached.has(dependent)) continue;
        reached.add(dependent);
        open.push(dependent);
      }
    }
    for (const name of start) reached.delete(name);
    return reached;
  }
}

function comesBefore(a: Vertex, b: Vertex): boolean {
  return a.priority === b.priority ? a.index < b.index : a.priority < b.priority;
}
