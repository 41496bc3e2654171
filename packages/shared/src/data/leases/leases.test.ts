import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { LeaseWorld, type SimulatedNode, TIMES } from '../../../test/fixtures/lease-world.ts';
import { testStore } from '../../../test/fixtures/store.ts';

async function openWorld(t: TestContext, nodes: number): Promise<LeaseWorld> {
  const database = await (await testStore(t)).open();
  const world = new LeaseWorld(database);
  await world.open(nodes);
  return world;
}

const holders = (world: LeaseWorld): readonly SimulatedNode[] => world.nodes.filter((node) => node.holds);

describe('Leases', () => {
  test('one of three nodes runs the work; when it leaves, another takes over at once with a higher epoch', async (t) => {
    const world = await openWorld(t, 3);
    for (const node of world.nodes) node.apply('reports');
    await world.advance(60_000);
    const [first, ...others] = holders(world);
    assert.ok(first);
    assert.deepEqual(others, []);
    assert.equal(first.lease?.epoch, 1);
    await Promise.all([first.leases.close(), world.settle()]);
    await world.advance(TIMES.pollMs);
    const [second] = holders(world);
    assert.ok(second !== undefined && second !== first);
    assert.equal(second.lease?.epoch, 2);
    const [row] = await second.leases.list();
    assert.deepEqual([row?.name, row?.node, row?.epoch], ['reports', second.id, 2]);
    await world.close();
  });

  test('a node that is cut off ends its work before another node can take the lease', async (t) => {
    const world = await openWorld(t, 2);
    const [first, second] = world.nodes;
    assert.ok(first && second);
    first.apply('reports');
    await world.advance(5_000);
    second.apply('reports');
    first.isCut = true;
    await world.advance(TIMES.heldMs);
    assert.deepEqual([first.lease?.signal.aborted, second.holds], [true, false]);
    assert.equal(first.lease?.signal.reason.code, 'AICO_LEASE_LOST');
    await world.advance(TIMES.ttlMs - TIMES.heldMs + TIMES.renewMs + TIMES.pollMs);
    assert.equal(second.holds, true);
    await world.close();
  });

  test('a node that was stopped past its lease is refused, also when its own clock did not count the time', async (t) => {
    for (const isClockStopped of [false, true]) {
      const world = await openWorld(t, 2);
      const [first, second] = world.nodes;
      assert.ok(first && second);
      first.apply('reports');
      await world.advance(5_000);
      assert.equal(await first.write(), true);
      if (isClockStopped) first.suspend();
      else first.freeze();
      second.apply('reports');
      await world.advance(30_000);
      assert.equal(await second.write(), true);
      first.thaw();
      // Before any of its timers has fired.
      assert.equal(first.lease?.signal.aborted, false);
      assert.equal(await first.write(), false);
      assert.equal(first.lease?.signal.aborted, true);
      assert.equal(await second.write(), true);
      await world.close();
    }
  });

  test('the transaction of a guarded write is rolled back as a whole, also behind the view of a plugin', async (t) => {
    const store = await testStore(t);
    const database = await store.open();
    const world = new LeaseWorld(database);
    await world.open(1);
    const [node] = world.nodes;
    assert.ok(node);
    node.apply('reports');
    await world.advance(1_000);
    const view = database.ownedBy('reports');
    await view.migrate('reports', [{ id: '001', sql: 'CREATE TABLE report (text TEXT)' }]);
    const write = () =>
      view.transaction(async (tx) => {
        await tx.execute("INSERT INTO report VALUES ('new')");
        await node.lease?.guard(tx);
      });
    await write();
    await database.execute('UPDATE lease SET epoch = epoch + 1');
    await assert.rejects(write, { code: 'AICO_LEASE_LOST' });
    assert.equal((await view.execute('SELECT * FROM report')).rows.length, 1);
    assert.equal(node.holds, false, 'the refusal ends the work');
    await world.close();
  });

  test('work that fails releases its lease and is begun again', async (t) => {
    const world = await openWorld(t, 1);
    const epochs: number[] = [];
    world.nodes[0]?.leases.apply('reports', async ({ epoch }) => {
      epochs.push(epoch);
      throw new Error('no paper');
    });
    await world.advance(10_000);
    assert.deepEqual(epochs.slice(0, 3), [1, 2, 3]);
    await world.close();
  });

  const node = fc.nat({ max: 2 });
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ advance: fc.integer({ min: 100, max: 25_000 }) }) },
    { weight: 4, arbitrary: fc.record({ write: fc.constant(true) }) },
    { weight: 2, arbitrary: fc.record({ freeze: node }) },
    { weight: 3, arbitrary: fc.record({ suspend: node }) },
    { weight: 4, arbitrary: fc.record({ restore: node }) },
    { weight: 2, arbitrary: fc.record({ cut: node }) },
    // The clock of the database is set, or the database fails over to a machine with another clock.
    { weight: 1, arbitrary: fc.record({ set: fc.constantFrom(-600_000, -12_000, 12_000, 600_000) }) },
  );

  test('at most one node holds a lease, and no write of an earlier epoch follows one of a later, under pauses, partitions and clocks that are set', async (t) => {
    const database = await (await testStore(t)).open();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
        run += 1;
        const world = new LeaseWorld(database);
        await world.open(3);
        for (const each of world.nodes) each.apply(`reports ${run}`);
        for (const chosen of steps) {
          const at = (index: number): SimulatedNode => world.nodes[index] as SimulatedNode;
          if ('advance' in chosen) await world.advance(chosen.advance);
          else if ('write' in chosen) for (const each of world.nodes) await each.write();
          else if ('freeze' in chosen) at(chosen.freeze).freeze();
          else if ('suspend' in chosen) at(chosen.suspend).suspend();
          else if ('restore' in chosen) {
            at(chosen.restore).restore();
            // Before any of its timers has fired.
            await at(chosen.restore).write();
          } else if ('cut' in chosen) at(chosen.cut).isCut = true;
          else world.databaseTime += chosen.set;
          const holding = holders(world).filter(({ isMisjudging }) => !isMisjudging);
          assert.ok(holding.length <= 1, `${holding.map(({ id }) => id).join(' and ')} hold the lease`);
        }
        const effects = await world.effects();
        effects.forEach(({ epoch, node: id }, index) => {
          const before = effects[index - 1];
          assert.ok(
            before === undefined || before.epoch < epoch || (before.epoch === epoch && before.node === id),
          );
        });
        await world.close();
      }),
      { numRuns: 15, endOnFailure: true },
    );
  });
});
