import { nearest } from '../nearest.ts';
import type { GraphProblem } from './errors.ts';

/** An extension point in the declaration of a service that fills it. */
export interface FilledPoint {
  readonly name: string;
  /** Whether the service also starts if no service offers the point. */
  readonly isOptional: boolean;
}

/** A name in the graph with its edges in both directions. */
export interface Vertex {
  readonly name: string;
  readonly index: number;
  readonly priority: number;
  /** The names of its dependencies, each once, registered or not. */
  readonly names: readonly string[];
  readonly fills: readonly FilledPoint[];
  /** The vertices that it starts after: its registered dependencies, and {@link fillers}. */
  readonly dependencies: Vertex[];
  /** Services that fill its extension points. */
  readonly fillers: Vertex[];
  readonly dependents: Vertex[];
  /** The number of dependencies not placed yet while an order is computed. */
  open: number;
}

/** More cycles than a person will read. A dense graph could otherwise yield one per edge, each as long as the graph. */
const MOST_CYCLES = 100;

type Vertices = ReadonlyMap<string, Vertex>;

/** One problem per missing name, each with the shortest path to it from the top. */
export function findMissing(vertices: Vertices): GraphProblem[] {
  const askedBy = new Map<string, string[]>();
  for (const vertex of vertices.values()) {
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

/** One problem per extension point that is filled but not offered. */
export function findUnoffered(
  vertices: Vertices,
  offerers: ReadonlyMap<string, Vertex>,
): readonly GraphProblem[] {
  return [...vertices.values()].flatMap((vertex) =>
    vertex.fills
      .filter(({ name, isOptional }) => !isOptional && !offerers.has(name))
      .map(({ name }) => ({
        kind: 'unoffered' as const,
        name,
        near: nearest(name, offerers.keys()),
        path: [vertex.name, name],
      })),
  );
}

/**
 * A breadth-first search from the services that no other needs, then from those that only a cycle reaches. Maps each service to
 * its predecessor.
 */
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
 * One cycle for each back edge of a depth-first search. Removing these edges removes all cycles, so correcting every reported
 * cycle corrects the graph.
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
        problems.push({
          kind: 'circular',
          path: [...path.slice(onPath), dependency.name],
          fills: fillsAlong([...walk.slice(onPath).map(({ vertex }) => vertex), dependency]),
        });
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

/** The pairs on a path where a service starts after another only because that one fills its extension point. */
function fillsAlong(path: readonly Vertex[]): readonly (readonly [offerer: string, filler: string])[] {
  return path.flatMap((vertex, index) => {
    const next = path[index + 1];
    if (next === undefined || !vertex.fillers.includes(next) || vertex.names.includes(next.name)) return [];
    return [[vertex.name, next.name] as const];
  });
}
