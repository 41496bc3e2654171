/** Components of other processes that log: through a real broker into the table of a backend. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { MessageBusClient } from '@aico/shared/core/bus';
import { ZeroMqTransport } from '@aico/shared/core/bus/zeromq';
import { connect, grant } from '../../../test/fixtures/bus-component.ts';
import { createTestBackend, localRequest, type TestBackend } from '../../testing/index.ts';

interface Line {
  readonly level: string;
  readonly service: string;
  readonly component: string;
  readonly message: string;
  readonly time: number;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly context?: Readonly<Record<string, unknown>>;
}

describe('log lines of other processes', () => {
  let backend: TestBackend;
  let worker: MessageBusClient;
  const ends: (() => Promise<unknown>)[] = [];
  const context = { after: (end: () => Promise<unknown>) => ends.unshift(end) };

  before(async () => {
    backend = await createTestBackend({ config: { 'core.message_bus.broker.port': 0 } });
    context.after(() => backend.stop());
    worker = await connect(context, await grant(backend, 'worker', {}));
  });
  after(async () => {
    for (const end of ends) await end();
  });

  async function linesOf(service: string): Promise<readonly Line[]> {
    const reply = await localRequest(backend.socket, `/api/v1/logs?first=oldest&service=${service}`);
    return (reply.json() as { logs: readonly Line[] }).logs;
  }

  test('are stored under the name of the credential, with the trace of the message, without any grant', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const sentAt = Date.now() - 60_000;
    const fields = { free: 12, request_id: 'r-1' };
    await worker.publish(
      'logs.worker',
      { level: 'warn', message: 'Disk nearly full', component: 'disk', fields, time: sentAt },
      { traceparent },
    );
    await worker.publish('logs.worker', { level: 'error', message: 'Short', time: Date.now() + 86_400_000 });
    await worker.publish('logs.worker', { level: 'debug', message: 'Milder than the level that is kept' });
    const [first, second, ...more] = await linesOf('worker');
    assert.deepEqual(
      [first?.level, first?.component, first?.message, first?.time, first?.fields],
      ['warn', 'disk', 'Disk nearly full', sentAt, fields],
    );
    assert.equal(first?.context?.traceId, '0af7651916cd43dd8448eb211c80319c');
    assert.deepEqual([second?.component, second?.fields], ['main', {}]);
    assert.ok((second?.time ?? Number.POSITIVE_INFINITY) <= Date.now(), 'no line is from the future');
    assert.deepEqual(more, []);
  });

  test('reach subscribers and the table only after they are redacted', async () => {
    const reader = await connect(context, await grant(backend, 'reader', { subscribe: ['logs.*', '>'] }));
    const heard = Promise.withResolvers<unknown>();
    const all: string[] = [];
    for (const pattern of ['logs.*', '>'])
      await reader.subscribe(pattern, (topic, message, { source }) => {
        all.push(JSON.stringify(message));
        if (topic === 'logs.worker') heard.resolve({ message, source });
      });
    const token = `ghp_${'a1B2'.repeat(9)}`;
    await worker.publish('logs.worker', {
      level: 'info',
      message: `Sent ${token}`,
      component: token,
      fields: {
        password: 'canary-in-a-field',
        nested: { apiKey: 'canary-in-depth' },
        url: `?token=${token}`,
      },
    });
    const { message, source } = (await heard.promise) as { message: Line; source: string };
    assert.deepEqual([message.service, source], ['worker', 'log_store']);
    const stored = JSON.stringify(await linesOf('worker'));
    for (const text of [stored, ...all]) assert.doesNotMatch(text, /ghp_a1B2|canary/);
    assert.match(stored, /Sent \[redacted\]/);
  });

  test('of another name are refused, whatever the grant is, and so are durable ones and requests', async () => {
    const credential = await grant(backend, 'forger', { publish: ['>'], subscribe: ['>'] });
    const transport = new ZeroMqTransport({ credential });
    // The client claims to own the topics, so that only the broker can refuse it.
    const forger = new MessageBusClient({ source: 'forger', transport, owns: ['logging'] });
    context.after(() => forger.close());
    await forger.connect();
    const line = { level: 'error', message: 'forged' };
    for (const topic of ['logs.worker', 'logs.gateway', 'logs', 'logs.forger.x', 'logs.Forger', 'logs.*'])
      await assert.rejects(
        forger.publish(topic, line),
        ({ code }: { code?: string }) => code === 'AICO_BUS_DENIED' || code === 'AICO_TOPIC_INVALID',
        topic,
      );
    await assert.rejects(forger.publish('logs.forger', line, { durable: true }));
    await assert.rejects(forger.publish('logs.forger', { ...line, service: 'worker' }), {
      code: 'AICO_BUS_PAYLOAD',
    });
    await forger.publish('logs.forger', { ...line, fields: { service: 'worker', plugin: 'inbox' } });
    assert.equal((await linesOf('forger')).length, 1);
    for (const service of ['worker', 'gateway'])
      assert.doesNotMatch(JSON.stringify(await linesOf(service)), /forged/, service);
  });

  test('of a component with the name of a service of the backend, or a similar one, are refused', async () => {
    for (const name of ['gateway', 'Security', 'log-store', 'config', 'backend']) {
      const twin = await connect(context, await grant(backend, name, {}));
      await assert.rejects(
        twin.publish(`logs.${name}`, { level: 'error', message: 'posing' }),
        /also the name of a service/,
        name,
      );
    }
    const reply = await localRequest(backend.socket, '/api/v1/logs?text=posing');
    assert.deepEqual((reply.json() as { logs: readonly unknown[] }).logs, []);
  });

  test('that are none are refused, and harm neither the connection nor other lines', async () => {
    const good = { level: 'info', message: 'good' };
    for (const wrong of [
      undefined,
      null,
      'text',
      [],
      { message: 'without a level' },
      { level: 'info' },
      { level: 'loud', message: 'x' },
      { level: 30, message: 'x' },
      { ...good, message: 7 },
      { ...good, fields: 'x' },
      { ...good, fields: [] },
      { ...good, component: '' },
      { ...good, component: 'a\u001b[31m' },
      { ...good, component: 'x'.repeat(65) },
      { ...good, time: 'now' },
      { ...good, time: -1 },
      { ...good, msg: 'a member that is not known' },
    ])
      await assert.rejects(worker.publish('logs.worker', wrong), { code: 'AICO_BUS_PAYLOAD' });
    const before = (await linesOf('worker')).length;
    await Promise.all([1, 2, 3].map((n) => worker.publish('logs.worker', { ...good, fields: { n } })));
    assert.equal((await linesOf('worker')).length, before + 3);
  });
});
