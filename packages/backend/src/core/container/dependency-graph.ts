import { DependencyGraphError, type GraphProblem } from '../errors.ts';
import { findCycles, findMissing, type Vertex } from './graph-problems.ts';
import { PriorityQueue } from './priority-queue.ts';

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
  readonly #vertices: ReadonlyMap<string, Vertex>;
  readonly #order: readonly string[];
  readonly #problems: readonly GraphProblem[];

  constructor(nodes: Iterable<GraphNode>) {
    const vertices = new Map<string, Vertex>();
    const counts = new Map<string, number>();
    for (const { name, dependencies, priority = 100 } of nodes) {
      const first = vertices.get(name);
      if (first !== undefined) {
        counts.set(name, (counts.get(name) ?? 1) + 1);
        continue;
      }
      const names = withoutRepeats(dependencies);
      vertices.set(name, {
        name,
        index: vertices.size,
        priority,
        names,
        dependencies: [],
        dependents: [],
        open: 0,
      });
    }
    for (const vertex of vertices.values()) {
      for (const name of vertex.names) {
        const dependency = vertices.get(name);
        if (dependency === undefined) continue;
        vertex.dependencies.push(dependency);
        dependency.dependents.push(vertex);
      }
    }
    this.#vertices = vertices;
    this.#order = orderOf(vertices);
    this.#problems = [
      ...[...counts].map(([name, count]) => ({ kind: 'duplicate' as const, name, count, path: [name] })),
      ...findMissing(vertices),
      // A service in a circle, or one that depends on it, never became ready.
      ...(this.#order.length < vertices.size ? findCycles(vertices) : []),
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
    return this.#order;
  }

  /** Everything that stands on any of `names`, directly or through others; without `names` themselves. */
  standingOn(names: Iterable<string>): ReadonlySet<string> {
    const start = [...names];
    const reached = new Set<string>(start);
    const open = start.flatMap((name) => this.#vertices.get(name) ?? []);
    for (let vertex = open.pop(); vertex !== undefined; vertex = open.pop()) {
      for (const dependent of vertex.dependents) {
        if (reached.has(dependent.name)) continue;
        reached.add(dependent.name);
        open.push(dependent);
      }
    }
    for (const name of start) reached.delete(name);
    return reached;
  }
}

/** The very list where nothing repeats, which is nearly always so. */
export function withoutRepeats(names: readonly string[]): readonly string[] {
  return names.some((name, index) => names.indexOf(name) !== index) ? [...new Set(names)] : names;
}

/** Kahn's algorithm. What is missing counts as there: it is reported for itself. */
function orderOf(vertices: ReadonlyMap<string, Vertex>): readonly string[] {
  const ready = new PriorityQueue<Vertex>(comesBefore);
  for (const vertex of vertices.values()) {
    vertex.open = vertex.dependencies.length;
    if (vertex.open === 0) ready.push(vertex);
  }
  const order: string[] = [];
  for (let vertex = ready.pop(); vertex !== undefined; vertex = ready.pop()) {
    order.push(vertex.name);
    for (const dependent of vertex.dependents) {
      dependent.open -= 1;
      if (dependent.open === 0) ready.push(dependent);
    }
  }
  return order;
}

function comesBefore(a: Vertex, b: Vertex): boolean {
  return a.priority === b.priority ? a.index < b.index : a.priority < b.priority;
}
