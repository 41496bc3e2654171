import type { Service } from '../../backend/overview.ts';

/**
 * The services in layers: those of a layer depend only on services of the layers before it, so they can start at the same time.
 * Within a layer those that need attention come first.
 */
export function layersOf(services: readonly Service[]): readonly (readonly Service[])[] {
  const byName = new Map(services.map((service) => [service.name, service]));
  const depths = new Map<string, number>();
  const depthOf = (name: string): number => {
    const known = depths.get(name);
    if (known !== undefined) return known;
    // Set first, so that a circle, which the backend refuses, cannot recurse endlessly.
    depths.set(name, 0);
    const needed = byName.get(name)?.dependencies.filter((each) => byName.has(each)) ?? [];
    const depth = needed.length === 0 ? 0 : 1 + Math.max(...needed.map(depthOf));
    depths.set(name, depth);
    return depth;
  };
  const layers: Service[][] = [];
  for (const service of services) {
    const depth = depthOf(service.name);
    layers[depth] = [...(layers[depth] ?? []), service];
  }
  return layers.map((layer) => (layer ?? []).toSorted((a, b) => Number(isRunning(a)) - Number(isRunning(b))));
}

export function isRunning({ state }: Service): boolean {
  return state === 'running';
}
