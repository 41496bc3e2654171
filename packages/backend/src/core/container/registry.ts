import { DependencyGraph } from './dependency-graph.ts';
import { linkRecords, type Registration, ServiceRecord } from './service-record.ts';

/** All registered services and the graph of their dependencies. */
export class Registry {
  /** In the order of registration. A name that was registered twice is in it twice: the graph reports it. */
  readonly #records: ServiceRecord[] = [];
  readonly #byName = new Map<string, ServiceRecord>();
  #graph: DependencyGraph | undefined;

  /** The records by their names; of two with the same name, the first. */
  get byName(): ReadonlyMap<string, ServiceRecord> {
    return this.#byName;
  }

  get graph(): DependencyGraph {
    this.#graph ??= new DependencyGraph(
      this.#records.map(({ name, options: { dependencies, priority, offers, fills } }) => ({
        name,
        dependencies,
        priority,
        offers,
        fills,
      })),
    );
    return this.#graph;
  }

  add(registration: Registration): ServiceRecord {
    const record = new ServiceRecord(registration);
    this.#push(record);
    return record;
  }

  /** A registry with `add` in place of the services of the same names, or besides them, and without `remove`. */
  with(add: readonly Registration[], remove: readonly string[]): Registry {
    const added = new Map(add.map((registration) => [registration.name, new ServiceRecord(registration)]));
    const kept = this.#records.filter(({ name }) => !remove.includes(name));
    const next = new Registry();
    for (const record of kept) next.#push(added.get(record.name) ?? record);
    for (const record of added.values()) if (!next.#byName.has(record.name)) next.#push(record);
    return next;
  }

  /**
   * Links the records, and returns them with dependencies before their dependents.
   *
   * @throws {DependencyGraphError} naming every problem with its path
   */
  link(): readonly ServiceRecord[] {
    const records = this.graph.order().flatMap((name) => this.#byName.get(name) ?? []);
    linkRecords(records, this.graph);
    return records;
  }

  /** `names` and all their dependents, dependencies first, without instances that the container did not create. */
  withDependents(names: Iterable<string>): ReadonlySet<ServiceRecord> {
    const all = new Set(names);
    if (all.size === 0) return new Set();
    for (const name of this.graph.dependentsOf([...all])) all.add(name);
    return new Set(
      this.graph
        .order()
        .filter((name) => all.has(name))
        .flatMap((name) => this.#byName.get(name) ?? [])
        .filter(({ registration }) => registration.isInstance !== true),
    );
  }

  #push(record: ServiceRecord): void {
    this.#records.push(record);
    if (!this.#byName.has(record.name)) this.#byName.set(record.name, record);
    this.#graph = undefined;
  }
}
