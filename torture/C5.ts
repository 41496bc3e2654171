/**
 * C5: three nodes over NATS, each with 1,000 subscriptions that are made under load. As soon as `subscribe` has resolved, the other
 * nodes publish on the topic; each of these messages has to arrive.
 */
import type { MessageBusClient } from '@aico/shared/core/bus';
import { NatsServer } from '../packages/backend/test/fixtures/nats-server.ts';
import { natsAt, TestNode } from '../packages/backend/test/fixtures/nodes.ts';
import type { Campaign } from './campaign.ts';
import { below, randomFrom } from './fixtures/random.ts';

const FULL_COUNT = 1_000;
const NODES = 3;
/** Subscriptions of a node that are made at the same time, at most. */
const CONCURRENT = 32;
/** Milliseconds after which messages that have not arrived count as lost. */
const PATIENCE_MS = 30_000;

export const campaign: Campaign = async ({ count = FULL_COUNT, seed, report }) => {
  const random = randomFrom(seed);
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await NatsServer.start({ tls: true }));
  const clients: MessageBusClient[] = [];
  for (let number = 1; number <= NODES; number += 1) {
    const node = stack.use(await TestNode.start(number, natsAt(server)));
    clients.push(await node.client(`node-${number}`));
  }
  let arrived = (): void => {};
  const expected = new Set<string>();
  const subscribeOne = async (own: number, n: number): Promise<void> => {
    const topic = `c5.${own}.${n}`;
    const pattern = below(random, 2) === 0 ? topic : `c5.${own}.${n}.>`;
    const published = pattern === topic ? topic : `${topic}.x`;
    const overflow = below(random, 4) === 0 ? 'wait' : 'drop-oldest';
    await clients[own]?.subscribe(
      pattern,
      (_topic, from) => {
        expected.delete(`${topic} ${String(from)}`);
        if (expected.size === 0) arrived();
      },
      { overflow },
    );
    for (const [other, client] of clients.entries()) {
      if (other === own) continue;
      expected.add(`${topic} ${other}`);
      void client.publish(published, other);
    }
  };
  await Promise.all(
    clients.map(async (_client, own) => {
      for (let n = 0; n < count; ) {
        const together = Math.min(count - n, 1 + below(random, CONCURRENT));
        await Promise.all(Array.from({ length: together }, (_, each) => subscribeOne(own, n + each)));
        n += together;
      }
    }),
  );
  await new Promise<void>((resolve) => {
    const late = setTimeout(resolve, PATIENCE_MS);
    arrived = () => {
      clearTimeout(late);
      resolve();
    };
    if (expected.size === 0) arrived();
  });
  const missing = expected.size;
  for (const each of [...expected].slice(0, 10)) report(`lost: ${each}`);
  return {
    runs: NODES * count,
    failures: missing,
    ok: missing === 0,
    messages: NODES * count * (NODES - 1),
  };
};
