/**
 * C10: a client of the NATS server that sees all traffic searches it for canaries in topics, sources, contents, answers, ids and traces,
 * in the encodings in which software tends to leave them; and repeats, alters, truncates and forges what it saw. (The sealed columns of a
 * database on PostgreSQL are not part of it yet.)
 */
import { connect } from '@nats-io/transport-node';
import { NatsServer } from '../packages/backend/test/fixtures/nats-server.ts';
import { natsAt, TestNode } from '../packages/backend/test/fixtures/nodes.ts';
import type { Campaign } from './campaign.ts';
import { below, randomFrom } from './fixtures/random.ts';
import { secretNeedles } from './fixtures/scanner.ts';

const FULL_COUNT = 2_000;

export const campaign: Campaign = async ({ count = FULL_COUNT, seed, report }) => {
  const random = randomFrom(seed);
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await NatsServer.start());
  const spy = await connect({ servers: server.url });
  stack.defer(() => spy.close());
  const canary = `canary${seed}`;
  const needles = secretNeedles('canary', canary);
  let findings = 0;
  let recorded = 0;
  const recent: { readonly subject: string; readonly data: Uint8Array }[] = [];
  spy.subscribe('>', {
    callback: (_error, { subject, data }) => {
      recorded += 1;
      const bytes = Buffer.concat([Buffer.from(`${subject} `), data]);
      for (const { name, bytes: needle } of needles) {
        if (!bytes.includes(needle)) continue;
        findings += 1;
        report(`${name} on ${subject}`);
      }
      recent.push({ subject, data });
      if (recent.length > 64) recent.shift();
    },
  });
  await spy.flush();
  const one = stack.use(await TestNode.start(1, natsAt(server)));
  const two = stack.use(await TestNode.start(2, natsAt(server)));
  const publisher = await one.client(`${canary}-publisher`);
  const subscriber = await two.client(`${canary}-subscriber`);
  const seen: unknown[] = [];
  const finished = Promise.withResolvers<void>();
  await subscriber.subscribe(`${canary}.message`, (_topic, message) => {
    seen.push(message);
    if (Array.isArray(message) && message[0] === count - 1) finished.resolve();
  });
  await subscriber.respond(`${canary}.ask`, (_topic, message) => [canary, message]);
  const traceparent = `00-${canary}`;
  for (let n = 0; n < count; n += 1) {
    await publisher.publish(`${canary}.message`, [n, canary.repeat(1 + below(random, 20))], {
      traceparent,
      id: `${canary}-${n}`,
    });
    if (n % 10 === 0) await publisher.request(`${canary}.ask`, canary);
    const target = recent[below(random, Math.max(1, recent.length))];
    if (target === undefined) continue;
    spy.publish(target.subject, attack(target.data, random));
  }
  await spy.flush();
  await publisher.publish(`${canary}.message`, [count - 1, 'end'], { id: 'end' });
  await finished.promise;
  const numbers = seen.map((each) => (Array.isArray(each) ? Number(each[0]) : Number.NaN)).slice(0, count);
  const isOrdered = numbers.every((number, index) => number === index);
  if (!isOrdered) report('messages were repeated, reordered or lost without a count');
  const { rejected, lost } = two.link;
  const failures = findings + (isOrdered ? 0 : 1) + lost;
  return { runs: count, failures, ok: failures === 0 && rejected > 0, recorded, rejected };
};

/** The payload as it was, altered, truncated or extended. */
function attack(data: Uint8Array, random: () => number): Uint8Array {
  const bytes = Buffer.from(data);
  const at = below(random, bytes.length);
  switch (below(random, 4)) {
    case 0:
      return bytes;
    case 1:
      bytes[at] = (bytes[at] ?? 0) ^ (1 + below(random, 255));
      return bytes;
    case 2:
      return bytes.subarray(0, at);
    default:
      return Buffer.concat([bytes, bytes.subarray(0, at)]);
  }
}
