/**
 * Takes the place of a service in a unit test. It has the members that the test gives; any other is an error that names
 * it, so that a test notices what the code under test began to use.
 *
 * @example container.registerInstance('config', standIn<ConfigurationManager>({ get: () => 8771 }));
 */
export function standIn<T extends object>(members: Partial<Record<keyof T, unknown>>): T {
  return new Proxy(Object(members), {
    get(target, name) {
      // Asked by `await` and by what looks for a lifecycle, a disposal or a scope.
      if (typeof name === 'symbol' || name in target || ABSENT.has(name)) return Reflect.get(target, name);
      throw new TypeError(`the stand-in has no "${name}": give it to standIn({ ${name}: … })`);
    },
  });
}

const ABSENT: ReadonlySet<string> = new Set(['then', 'initialize', 'start', 'stop', 'healthCheck', 'toJSON']);
