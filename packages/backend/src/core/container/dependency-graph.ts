import { DependencyGraphError, type GraphProblem } from './errors.ts';
import { type FilledPoint, findCycles, findMissing, findUnoffered, type Vertex } from './graph-problems.ts';
import { PriorityQueue } from './priority-queue.ts';

/** One service in the graph. */
export interface GraphNode {
  readonly name: string;
  /** The names of its dependencies; duplicates are ignored. */
  readonly dependencies: readonly string[];
  /** Services with a lower priority start first among those ready at the same moment. Default 100. */
  readonly priority?: number;
  /** Extension points that it offers: it starts after all services that fill them. */
  readonly offers?: readonly string[];
  /** Extension points that it fills. */
  readonly fills?: readonly FilledPoint[];
}

/**
 * The dependencies of services and their start order. It is computed before anything runs, and reports every problem at once.
 * Building, checking and ordering take time linear in nodes and edges (times the logarithm of the number ready at the same
 * moment).
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
  /** The service that offers each extension point. */
  readonly #offerers = new Map<string, Vertex>();

  constructor(nodes: Iterable<GraphNode>) {
    const vertices = new Map<string, Vertex>();
    const counts = new Map<string, number>();
    for (const { name, dependencies, priority = 100, offers = [], fills = [] } of nodes) {
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
        fills,
        dependencies: [],
        fillers: [],
        dependents: [],
        open: 0,
      });
      const vertex = vertices.get(name);
      if (vertex !== undefined) for (const point of offers) this.#offerers.set(point, vertex);
    }
    for (const vertex of vertices.values()) {
      for (const name of vertex.names) {
        const dependency = vertices.get(name);
        if (dependency === undefined) continue;
        vertex.dependencies.push(dependency);
        dependency.dependents.push(vertex);
      }
      for (const { name } of vertex.fills) {
        const offerer = this.#offerers.get(name);
        if (offerer === undefined || offerer === vertex || offerer.fillers.includes(vertex)) continue;
        offerer.fillers.push(vertex);
        offerer.dependencies.push(vertex);
        vertex.dependents.push(offerer);
      }
    }
    this.#vertices = vertices;
    this.#order = orderOf(vertices);
    this.#problems = [
      ...[...counts].map(([name, count]) => ({ kind: 'duplicate' as const, name, count, path: [name] })),
      ...findMissing(vertices),
      ...findUnoffered(vertices, this.#offerers),
      // A service in a circle, or one that depends on it, never became ready.
      ...(this.#order.length < vertices.size ? findCycles(vertices) : []),
    ];
  }

  /** All problems of the graph; empty if it can be started. */
  get problems(): readonly GraphProblem[] {
    return this.#problems;
  }

  /** @throws {DependencyGraphError} listing every problem with its path */
  check(): void {
    if (this.#problems.length > 0) throw new DependencyGraphError(this.#problems);
  }

  /**
   * Every name, dependencies before their dependents. Among those ready at the same moment the lower priority comes first, then
   * the earlier registration.
   *
   * @throws {DependencyGraphError} listing every problem with its path
   */
  order(): readonly string[] {
    this.check();
    return this.#order;
  }

  /** The services that fill extension points of `name`, so that it starts after them. */
  fillersOf(name: string): readonly string[] {
    return this.#vertices.get(name)?.fillers.map((filler) => filler.name) ?? [];
  }

  /**
   * The services that cannot run without all of `names`, directly or transitively, excluding `names`. A service that fills an
   * extension point needs the one that offers it, unless the point is optional.
   */
  needing(names: Iterable<string>): ReadonlySet<string> {
    const needed = new Set(names);
    const start = [...needed];
    const isNeeding = ({ names: dependencies, fills }: Vertex): boolean =>
      dependencies.some((name) => needed.has(name)) ||
      fills.some(({ name, isOptional }) => !isOptional && needed.has(this.#offerers.get(name)?.name ?? ''));
    for (let before = 0; before < needed.size; ) {
      before = needed.size;
      for (const vertex of this.#vertices.values()) if (isNeeding(vertex)) needed.add(vertex.name);
    }
    for (const name of start) needed.delete(name);
    return needed;
  }

  /** The services that depend on any of `names`, directly or transitively, excluding `names`. */
  dependentsOf(names: Iterable<string>): ReadonlySet<string> {
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

/** Returns the same array if it has no duplicates, which is usual. */
export function withoutRepeats(names: readonly string[]): readonly string[] {
  return names.some((name, index) => names.indexOf(name) !== index) ? [...new Set(names)] : names;
}

/** Kahn's algorithm. Missing dependencies count as present, since they are reported separately. */
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
