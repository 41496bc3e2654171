import type { GraphProblem } from '../errors.ts';
import { nearest } from '../nearest.ts';

/** A name in the graph with its edges both ways. */
export interface Vertex {
  readonly name: string;
  readonly index: number;
  readonly priority: number;
  /** The names of its dependencies, each once, registered or not. */
  readonly names: readonly string[];
  readonly dependencies: Vertex[];
  readonly dependents: Vertex[];
  /** How many dependencies are still before it while an order is made. */
  open: number;
}

/** More cycles than a person will read; a dense knot could otherwise yield one per edge, each as long as the graph. */
const MOST_CYCLES = 100;

type Vertices = ReadonlyMap<string, Vertex>;

/** One problem per name that is asked for and not there, each with the shortest way to it from the top. */
export function findMissing(vertices: Vertices): GraphProblem[] {
  const askedBy = new Map<string, string[]>();
  for (const vertex of vertices.values()) {
    if (vertex.dependencies.length === vertex.names.length) continue;
    for (const dependency of vertex.names) {
      if (vertices.has(dependency)) continue;
      const askers = askedBy.get(dependency);
      if (askers === undefined) askedBy.set(dependency, [vertex.name]);
      else askers.push(vertex.name);
    }
  }
  if (askedBy.size === 0) return [];
  const parents = parentsFromTheTop(vertices);
  return [...askedBy].map(([name, askers]) => {
    const path = [name];
    for (let at = askers[0]; at !== undefined; at = parents.get(at)) path.push(at);
    const near = nearest(name, vertices.keys());
    return { kind: 'missing', name, near, askedBy: askers, path: path.reverse() };
  });
}

/** Breadth first from the services nothing needs (then from whatever only a cycle reaches): who led to whom. */
function parentsFromTheTop(vertices: Vertices): ReadonlyMap<string, string | undefined> {
  const parents = new Map<string, string | undefined>();
  const visit = (root: Vertex): void => {
    if (parents.has(root.name)) return;
    parents.set(root.name, undefined);
    const queue = [root];
    for (let at = 0; at < queue.length; at += 1) {
      const vertex = queue[at];
      for (const dependency of vertex?.dependencies ?? []) {
        if (parents.has(dependency.name)) continue;
        parents.set(dependency.name, vertex?.name);
        queue.push(dependency);
      }
    }
  };
  for (const vertex of vertices.values()) if (vertex.dependents.length === 0) visit(vertex);
  for (const vertex of vertices.values()) visit(vertex);
  return parents;
}

/**
 * One cycle for each edge that closes one in a depth-first walk. Without those edges none is left, so mending every
 * reported cycle mends the graph.
 */
export function findCycles(vertices: Vertices): GraphProblem[] {
  const problems: GraphProblem[] = [];
  const done = new Set<string>();
  for (const root of vertices.values()) {
    if (done.has(root.name)) continue;
    const path: string[] = [root.name];
    const depth = new Map<string, number>([[root.name, 0]]);
    const walk = [{ vertex: root, edge: 0 }];
    for (let step = walk.at(-1); step !== undefined; step = walk.at(-1)) {
      const dependency = step.vertex.dependencies[step.edge];
      step.edge += 1;
      if (dependency === undefined) {
        walk.pop();
        path.pop();
        depth.delete(step.vertex.name);
        done.add(step.vertex.name);
        continue;
      }
      const onPath = depth.get(dependency.name);
      if (onPath !== undefined) {
        problems.push({ kind: 'circular', path: [...path.slice(onPath), dependency.name] });
        if (problems.length === MOST_CYCLES) return problems;
        continue;
      }
      if (done.has(dependency.name)) continue;
      depth.set(dependency.name, path.length);
      path.push(dependency.name);
      walk.push({ vertex: dependency, edge: 0 });
    }
  }
  return problems;
}
