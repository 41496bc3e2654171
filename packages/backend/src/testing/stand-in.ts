import type { ServiceName, Services } from '../core/services.ts';

/** A member of a stand-in: a method with the parameters of the real one, which returns its result or a part of it. */
type Member<V> = V extends (...args: infer Args) => infer Result ? (...args: Args) => Answer<Result> : V;

type Answer<R> =
  R extends Promise<infer V> ? Partial<V> | Promise<Partial<V>> : R extends object ? Partial<R> : R;

/** The members of a service that a test gives. */
export type StandInMembers<T> = { readonly [K in keyof T]?: Member<T[K]> };

/**
 * Takes the place of a service in a unit test. It has the members that the test gives, with their types checked; any other is an
 * error that names it, so that a test notices when the code under test uses another member.
 *
 * @example
 * ```ts
 * container.registerInstance('database', standIn('database', { execute: async () => ({ rows: [] }) }));
 * ```
 */
export function standIn<N extends ServiceName>(name: N, members: StandInMembers<Services[N]>): Services[N] {
  return new Proxy(Object(members), {
    get(target, member) {
      // Asked by `await` and by what looks for a lifecycle, a disposal or a scope.
      if (typeof member === 'symbol' || member in target || ABSENT.has(member))
        return Reflect.get(target, member);
      throw new TypeError(`the stand-in has no "${member}": give it to standIn('${name}', { ${member}: … })`);
    },
  });
}

const ABSENT: ReadonlySet<string> = new Set(['then', 'initialize', 'start', 'stop', 'healthCheck', 'toJSON']);
