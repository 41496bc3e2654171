/**
 * C12: the NATS server is killed and started again and again while two nodes publish to each other. Local messages keep arriving, each
 * message for the other node arrives or is counted as lost, and all subscriptions are in force again afterwards. (Stopping PostgreSQL is
 * not part of it yet.)
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { NatsServer } from '../packages/backend/test/fixtures/nats-server.ts';
import { natsAt, TestNode } from '../packages/backend/test/fixtures/nodes.ts';
import type { Campaign } from './campaign.ts';
import { below, randomFrom } from './fixtures/random.ts';

const FULL_COUNT = 50;
const SIDES = [0, 1] as const;

export const campaign: Campaign = async ({ count = FULL_COUNT, seed, report }) => {
  const random = randomFrom(seed);
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await NatsServer.start());
  const nodes: TestNode[] = [];
  for (const number of [1, 2])
    nodes.push(stack.use(await TestNode.start(number, natsAt(server), { heartbeatMs: 1_000 })));
  const clients = await Promise.all(nodes.map((node) => node.client()));
  const counts = SIDES.map(() => ({ published: 0, local: 0, remote: 0 }));
  const last = [0, 0];
  let unordered = 0;
  for (const side of SIDES) {
    await clients[side]?.subscribe(`from.${side}`, () => increment(counts[side], 'local'));
    await clients[side]?.subscribe(`from.${1 - side}`, (_topic, n) => {
      if (Number(n) <= (last[side] ?? 0)) unordered += 1;
      last[side] = Number(n);
      increment(counts[side], 'remote');
    });
    await clients[side]?.respond(`ask.${side}`, () => side);
  }
  const load = new AbortController();
  const loads = SIDES.map(async (side) => {
    while (!load.signal.aborted) {
      for (let n = 0; n < 20; n += 1) {
        increment(counts[side], 'published');
        await clients[side]?.publish(`from.${side}`, counts[side]?.published);
      }
      await sleep(1);
    }
  });
  let failures = 0;
  for (let run = 0; run < count; run += 1) {
    await sleep(below(random, 300));
    await server.stop();
    await sleep(below(random, 100));
    await server.start();
    await Promise.all(
      nodes.map((node) => node.when(() => node.bus.status.peers.some((peer) => peer.reachable))),
    );
    for (const side of SIDES) {
      // The first requests may be lost, as any live message.
      const answer = await answered(() => clients[side]?.request(`ask.${1 - side}`, 1, { timeoutMs: 1_000 }));
      if (answer === 1 - side) continue;
      failures += 1;
      report(`run ${run}: a request of node ${side + 1} is not answered any more`);
    }
  }
  load.abort();
  await Promise.all(loads);
  // A last message for each side, before which everything else has arrived or is lost.
  for (const side of SIDES) {
    increment(counts[side], 'published');
    await clients[side]?.publish(`from.${side}`, counts[side]?.published);
    while ((last[1 - side] ?? 0) < (counts[side]?.published ?? 0)) await sleep(5);
  }
  for (const side of SIDES) {
    const { published = 0, local = 0 } = counts[side] ?? {};
    const { remote = 0 } = counts[1 - side] ?? {};
    const { dropped = 0 } = nodes[side]?.link ?? {};
    const lost = nodes[1 - side]?.link.lost ?? 0;
    if (local !== published) {
      failures += 1;
      report(`node ${side + 1}: ${published} published, ${local} delivered locally`);
    }
    const { sent = 0 } = nodes[side]?.link ?? {};
    const { received = 0 } = nodes[1 - side]?.link ?? {};
    if (sent !== received + lost) {
      failures += 1;
      report(`node ${side + 1}: ${sent} sent, ${received} received, ${lost} counted as lost`);
    }
    // `dropped` and `lost` also count requests and answers; a message of the load is counted once, as one of the three.
    if (remote + dropped + lost < published) {
      failures += 1;
      report(`node ${side + 1}: ${published} published, ${remote} arrived, ${dropped} dropped, ${lost} lost`);
    }
    if (remote + dropped + lost > published + count * 64) {
      failures += 1;
      report(`node ${side + 1}: more is counted than was published`);
    }
  }
  return {
    runs: count,
    failures: failures + unordered,
    ok: failures + unordered === 0,
    unordered,
    counts,
    links: nodes.map((node) => node.link),
  };
};

interface Counts {
  published: number;
  local: number;
  remote: number;
}

function increment(counts: Counts | undefined, name: keyof Counts): void {
  if (counts !== undefined) counts[name] += 1;
}

async function answered(ask: () => Promise<unknown> | undefined): Promise<unknown> {
  for (let attempt = 0; attempt < 30; attempt += 1) {
    try {
      return await ask();
    } catch {
      await sleep(50);
    }
  }
  return undefined;
}
