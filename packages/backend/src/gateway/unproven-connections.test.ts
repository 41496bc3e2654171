import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sourceOf, UnprovenConnections } from './unproven-connections.ts';

test('an IPv4 address is its own source; of IPv6 it is the first 64 bits', () => {
  const sources: Readonly<Record<string, string>> = {
    '192.168.1.7': '192.168.1.7',
    '::ffff:192.168.1.7': '192.168.1.7',
    '2001:db8:0:1::7': '2001:db8:0:1::/64',
    '2001:db8:0:1:ffff:ffff:ffff:ffff': '2001:db8:0:1::/64',
    '2001:0db8:0000:0001:0:0:0:1': '2001:db8:0:1::/64',
    '2001:db8::1': '2001:db8:0:0::/64',
    'fe80::1%eth0': 'fe80:0:0:0::/64',
    '::1': '0:0:0:0::/64',
    '64:ff9b::1.2.3.4': '64:ff9b:0:0::/64',
    '': '',
  };
  for (const [address, source] of Object.entries(sources)) assert.equal(sourceOf(address), source, address);
});

test('random arrivals and departures never exceed the limits, and a new connection is always admitted', () => {
  const step = fc.record({
    source: fc.nat({ max: 5 }),
    kind: fc.constantFrom('come', 'come', 'come', 'leave'),
    which: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const unproven = new UnprovenConnections({ max: 12, maxPerSource: 4 });
      const present = new Map<object, string>();
      for (const { source, kind, which } of steps) {
        if (kind === 'come') {
          const key = {};
          const connection = unproven.admit(`10.0.0.${source}`, () => present.delete(key));
          present.set(key, connection.source);
          Object.assign(key, { connection });
        } else if (present.size > 0) {
          const key = [...present.keys()][which % present.size] as { connection: { leave(): void } };
          present.delete(key);
          key.connection.leave();
          key.connection.leave();
        }
        assert.equal(unproven.size, present.size);
        assert.ok(present.size <= 12);
        for (const one of present.values())
          assert.ok([...present.values()].filter((other) => other === one).length <= 4);
      }
    }),
  );
});

test('one source that fills the budget displaces its own connections, the longest waiting first', () => {
  const unproven = new UnprovenConnections({ max: 8, maxPerSource: 8 });
  const gone: string[] = [];
  const come = (source: string, name: string) => unproven.admit(source, () => gone.push(name));
  come('10.0.0.1', 'honest');
  for (let n = 0; n < 7; n += 1) come('10.0.0.66', `hostile ${n}`);
  come('10.0.0.2', 'another');
  come('10.0.0.3', 'a third');
  assert.deepEqual(gone, ['hostile 0', 'hostile 1']);
});
