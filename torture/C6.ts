/**
 * C6: one of three nodes is slow: its process is stopped again and again, and its handlers do not keep up. The latency of messages to the
 * other node must not suffer, and what is dropped for the slow node is counted exactly. Rounds with and without the slow node alternate.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { NatsServer } from '../packages/backend/test/fixtures/nats-server.ts';
import { natsAt, TestNode } from '../packages/backend/test/fixtures/nodes.ts';
import type { Campaign } from './campaign.ts';
import type { SlowNodeCounts } from './fixtures/slow-node.ts';

const FULL_COUNT = 40;
/** Messages of a round, one for each millisecond. */
const MESSAGES = 1_500;
const BYTES = 2_000;
const TARGET = 1.5;

const SLOW_NODE = fileURLToPath(new URL('./fixtures/slow-node.ts', import.meta.url));

export const campaign: Campaign = async ({ count = FULL_COUNT, report }) => {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await NatsServer.start({ tls: true }));
  const publishing = stack.use(await TestNode.start(1, natsAt(server), { queueBytes: 262_144 }));
  const fast = stack.use(await TestNode.start(2, natsAt(server)));
  const slow = fork(SLOW_NODE, [server.url, server.certificate], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  stack.defer(async () => {
    slow.kill('SIGKILL');
    if (slow.exitCode === null && slow.signalCode === null) await once(slow, 'exit');
  });
  await once(slow, 'message');
  const publisher = await publishing.client();
  const subscriber = await fast.client();
  const latencies: Record<'alone' | 'beside', number[]> = { alone: [], beside: [] };
  let sink: number[] = [];
  let arrived = 0;
  await subscriber.subscribe('load.*', (_topic, message) => {
    const [sent] = message as [number, string];
    sink.push(performance.now() - sent);
    arrived += 1;
  });
  let published = 0;
  const text = 'x'.repeat(BYTES);
  for (let round = 0; round < count; round += 1) {
    const isStopped = round % 2 === 1;
    sink = [];
    if (isStopped) slow.kill('SIGSTOP');
    for (let n = 0; n < MESSAGES; n += 1) {
      await publisher.publish('load.x', [performance.now(), text]);
      published += 1;
      if (n % 4 === 3) await sleep(4);
    }
    while (arrived < published) await sleep(5);
    if (isStopped) slow.kill('SIGCONT');
    latencies[isStopped ? 'beside' : 'alone'].push(percentile(sink, 0.99));
  }
  await publisher.publish('end', 1);
  const counts = await answerOf(slow);
  const link = publishing.bus.status.peers.find(({ node }) => node.endsWith('3'));
  const notSent = link?.dropped ?? Number.NaN;
  const isExact = notSent + counts.lost + counts.received === published + 1;
  const isCounted = counts.delivered + counts.dropped + counts.queued === counts.received - 1;
  if (!isExact) report(`published ${published}, ${JSON.stringify({ notSent, ...counts })}`);
  if (!isCounted) report(`the statistics of the subscription do not add up: ${JSON.stringify(counts)}`);
  const ratio = percentile(latencies.beside, 0.5) / percentile(latencies.alone, 0.5);
  const failures = [isExact, isCounted, arrived === published].filter((holds) => !holds).length;
  return {
    runs: count,
    failures,
    // A machine that is busy otherwise moves the ratio of few rounds.
    ok: failures === 0 && (count < FULL_COUNT || ratio <= TARGET),
    ratio,
    p99: { alone: percentile(latencies.alone, 0.5), beside: percentile(latencies.beside, 0.5) },
    notSent,
    ...counts,
  };
};

async function answerOf(slow: ChildProcess): Promise<SlowNodeCounts> {
  const answer = once(slow, 'message');
  slow.send('counts');
  const [counts] = (await answer) as [SlowNodeCounts];
  return counts;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
