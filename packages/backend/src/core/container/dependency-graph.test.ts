import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { DependencyGraph, type GraphNode } from './dependency-graph.ts';
import { DependencyGraphError } from './errors.ts';

const node = (name: string, ...dependencies: string[]): GraphNode => ({ name, dependencies });

/** A graph with no circles: each node only asks for earlier ones; handed over in any order, with any priorities. */
const sound = fc
  .array(
    fc.record({
      priority: fc.oneof(fc.integer(), fc.double({ noNaN: true })),
      asks: fc.array(fc.nat(), { maxLength: 5 }),
    }),
    { maxLength: 40 },
  )
  .map((specs) =>
    specs.map(({ priority, asks }, index) => ({
      name: `s${index}`,
      priority,
      dependencies: index === 0 ? [] : asks.map((ask) => `s${ask % index}`),
    })),
  )
  .chain((nodes) => fc.shuffledSubarray(nodes, { minLength: nodes.length }));

/** Any graph at all. */
const any = fc.array(
  fc.record({
    name: fc.nat({ max: 9 }).map((n) => `s${n}`),
    dependencies: fc.array(
      fc.nat({ max: 11 }).map((n) => `s${n}`),
      { maxLength: 4 },
    ),
  }),
  { maxLength: 12 },
);

describe('order', () => {
  test('dependencies come before their dependents whatever the priorities', () => {
    fc.assert(
      fc.property(sound, (nodes) => {
        const order = new DependencyGraph(nodes).order();
        assert.equal(order.length, nodes.length);
        const at = new Map(order.map((name, index) => [name, index]));
        for (const { name, dependencies } of nodes) {
          for (const dependency of dependencies) assert.ok((at.get(dependency) ?? 0) < (at.get(name) ?? 0));
        }
      }),
    );
  });

  test('at every step the ready service with the lowest priority comes next', () => {
    fc.assert(
      fc.property(sound, (nodes) => {
        const done = new Set<string>();
        const left = [...nodes];
        for (const name of new DependencyGraph(nodes).order()) {
          const ready = left.filter(({ dependencies }) => dependencies.every((need) => done.has(need)));
          const best = ready.reduce((a, b) => (b.priority < a.priority ? b : a));
          assert.equal(name, best.name);
          left.splice(left.indexOf(best), 1);
          done.add(name);
        }
      }),
    );
  });

  test('a repeated dependency counts once', () => {
    assert.deepEqual(new DependencyGraph([node('b', 'a', 'a'), node('a')]).order(), ['a', 'b']);
  });

  test('a chain of 50,000 is ordered without running out of stack', () => {
    const chain = Array.from({ length: 50_000 }, (_, i) => node(`s${i}`, ...(i === 0 ? [] : [`s${i - 1}`])));
    assert.equal(new DependencyGraph(chain.reverse()).order()[49_999], 's49999');
  });
});

describe('problems', () => {
  test('are all reported at once, each with its path', () => {
    const graph = new DependencyGraph([
      node('journal', 'database'),
      node('database', 'config'),
      node('a', 'b'),
      node('b', 'c'),
      node('c', 'a'),
      node('self', 'self'),
      node('a'),
    ]);
    assert.throws(
      () => graph.order(),
      (error: unknown) => {
        assert.ok(error instanceof DependencyGraphError);
        assert.equal(error.code, 'AICO_GRAPH_INVALID');
        assert.match(error.message, /4 problems/);
        assert.match(
          error.message,
          /missing: journal -> database -> config \(no service "config" is registered\)/,
        );
        assert.match(error.message, /circular: a -> b -> c -> a/);
        assert.match(error.message, /circular: self -> self/);
        assert.match(error.message, /duplicate: a \(registered 2 times\)/);
        return true;
      },
    );
  });

  test('a missing name is reported once, with all services that need it', () => {
    const [problem, ...others] = new DependencyGraph([node('a', 'x'), node('b', 'x')]).problems;
    assert.deepEqual(others, []);
    assert.deepEqual(problem, {
      kind: 'missing',
      name: 'x',
      near: undefined,
      askedBy: ['a', 'b'],
      path: ['a', 'x'],
    });
  });

  test('a missing name that only a circle needs still has a path', () => {
    const { problems } = new DependencyGraph([node('a', 'b'), node('b', 'a', 'x')]);
    assert.deepEqual(problems.find(({ kind }) => kind === 'missing')?.path, ['a', 'b', 'x']);
  });

  test('a long list is cut short in the message, not in the list', () => {
    const { problems } = new DependencyGraph(Array.from({ length: 50 }, (_, i) => node(`s${i}`, `x${i}`)));
    assert.equal(problems.length, 50);
    assert.match(new DependencyGraphError(problems).message, /and 30 more/);
  });

  test('300 services that all need each other are reported in bounded time and space', () => {
    const names = Array.from({ length: 300 }, (_, i) => `s${i}`);
    const { problems } = new DependencyGraph(names.map((name) => node(name, ...names)));
    assert.equal(problems.length, 100);
  });

  test('there is an order exactly if there is no problem, and every path is in the graph', () => {
    fc.assert(
      fc.property(any, (nodes) => {
        const graph = new DependencyGraph(nodes);
        const edges = new Set(
          nodes.flatMap(({ name, dependencies }) => dependencies.map((to) => `${name} ${to}`)),
        );
        for (const { path } of graph.problems) {
          for (const [index, to] of path.slice(1).entries()) assert.ok(edges.has(`${path[index]} ${to}`));
        }
        if (graph.problems.length > 0) assert.throws(() => graph.order(), DependencyGraphError);
        else assert.equal(graph.order().length, nodes.length);
      }),
    );
  });

  test('a graph without every reported circle has none left', () => {
    fc.assert(
      fc.property(any, (nodes) => {
        const once = [...new Map(nodes.map((each) => [each.name, each])).values()];
        const closing = new DependencyGraph(once).problems.flatMap(({ kind, path }) =>
          kind === 'circular' ? [`${path.at(-2)} ${path.at(-1)}`] : [],
        );
        const mended = once.map(({ name, dependencies }) =>
          node(name, ...dependencies.filter((to) => !closing.includes(`${name} ${to}`))),
        );
        assert.ok(new DependencyGraph(mended).problems.every(({ kind }) => kind !== 'circular'));
      }),
    );
  });
});

test('dependentsOf() returns all dependents, without the names themselves', () => {
  const graph = new DependencyGraph([
    node('a'),
    node('b', 'a'),
    node('c', 'b'),
    node('d', 'a', 'c'),
    node('e'),
  ]);
  assert.deepEqual([...graph.dependentsOf(['b'])].sort(), ['c', 'd']);
  assert.deepEqual([...graph.dependentsOf(['e'])], []);
});

describe('extension points', () => {
  const offering = (name: string, point: string, ...dependencies: string[]): GraphNode => ({
    name,
    dependencies,
    offers: [point],
  });
  const filling = (
    name: string,
    point: string,
    isOptional = false,
    ...dependencies: string[]
  ): GraphNode => ({
    name,
    dependencies,
    fills: [{ name: point, isOptional }],
  });

  test('the service that offers a point starts after all that fill it', () => {
    const graph = new DependencyGraph([
      offering('inbox', 'inbox.filters'),
      filling('spam', 'inbox.filters'),
      filling('digest', 'inbox.filters', true),
    ]);
    assert.deepEqual(graph.order(), ['spam', 'digest', 'inbox']);
    assert.deepEqual(graph.fillersOf('inbox'), ['spam', 'digest']);
    assert.deepEqual([...graph.dependentsOf(['spam'])], ['inbox']);
  });

  test('a service needs the one whose point it fills, unless the point is optional, and never the reverse', () => {
    const graph = new DependencyGraph([
      offering('inbox', 'inbox.filters'),
      filling('spam', 'inbox.filters'),
      filling('digest', 'inbox.filters', true),
      node('report', 'spam'),
    ]);
    assert.deepEqual([...graph.needing(['inbox'])], ['spam', 'report']);
    assert.deepEqual([...graph.needing(['spam'])], ['report']);
  });

  test('a point that no service offers is a problem with the nearest name, unless it is optional', () => {
    const graph = new DependencyGraph([
      offering('inbox', 'inbox.filters'),
      filling('spam', 'inbox.filter'),
      filling('digest', 'outbox.filters', true),
    ]);
    assert.deepEqual(graph.problems, [
      { kind: 'unoffered', name: 'inbox.filter', near: 'inbox.filters', path: ['spam', 'inbox.filter'] },
    ]);
  });

  test('a service that depends on the one whose point it fills is in a circle, and the error says why', () => {
    const graph = new DependencyGraph([
      offering('inbox', 'inbox.filters'),
      filling('spam', 'inbox.filters', false, 'inbox'),
    ]);
    assert.throws(
      () => graph.check(),
      /circular: inbox -> spam -> inbox; inbox starts after spam, which fills its extension point/,
    );
  });
});
