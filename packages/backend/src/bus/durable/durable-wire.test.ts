/** The statements of docs/bus-protocol.md about durable messages, held against the service by a peer that sends raw frames. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { BOTH, startDurableBroker } from '../../../test/fixtures/durable-broker.ts';
import type { RawPeer } from '../../../test/fixtures/raw-peer.ts';

/** Asks for durable messages as a client in any language does. */
class RawConsumer {
  readonly #peer: RawPeer;

  constructor(peer: RawPeer) {
    this.#peer = peer;
  }

  /** Asks on `_durable.<name>`. @returns the answer */
  async ask(name: string, content: object): Promise<{ ok: boolean; value?: unknown; code?: string }> {
    const replyto = `${this.#peer.welcomed?.reply}.${randomUUID()}`;
    const asked = { topic: `_durable.${name}`, source: 'shop', replyto, timeLeftMs: 20_000 };
    assert.equal(await this.#peer.refusalOf(asked, JSON.stringify(content)), undefined);
    for (;;) {
      const answer = await this.#peer.nextMessage();
      assert.ok(answer !== undefined, `${name} was not answered`);
      if (answer.head.topic === replyto) return JSON.parse(answer.body);
    }
  }

  /** Asks several things on `_durable.<name>` before any of them is answered. */
  async askAtOnce(name: string, contents: readonly object[]): Promise<{ ok: boolean; code?: string }[]> {
    const awaited = new Set<string>();
    for (const content of contents) {
      const replyto = `${this.#peer.welcomed?.reply}.${randomUUID()}`;
      awaited.add(replyto);
      const asked = { topic: `_durable.${name}`, source: 'shop', replyto, timeLeftMs: 20_000 };
      assert.equal(await this.#peer.refusalOf(asked, JSON.stringify(content)), undefined);
    }
    const answers: { ok: boolean; code?: string }[] = [];
    while (awaited.size > 0) {
      const messages = await this.#peer.nextMessages(10_000);
      assert.ok(messages.length > 0, `${name} was not answered`);
      for (const { head, body } of messages) if (awaited.delete(head.topic)) answers.push(JSON.parse(body));
    }
    return answers;
  }

  async keep(...ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const content = { id, type: 'orders.placed', datacontenttype: 'application/json', text: '1' };
      assert.deepEqual(await this.ask('publish', content), { ok: true });
    }
  }

  async open(options: object): Promise<void> {
    const asked = { consumption: 'c', pattern: 'orders.*', consumer: 'mailer', ...options };
    assert.deepEqual(await this.ask('open', asked), { ok: true });
  }

  /** The messages in flight that are not among `holding`, as `id/attempt`. */
  async pull(holding: readonly { number: number; attempt: number }[] = [], waitMs = 20_000) {
    const { value } = await this.ask('pull', { consumption: 'c', holding, waitMs });
    const { messages } = value as { messages: { number: number; attempt: number; id: string }[] };
    return messages.map(({ number, attempt, id }) => ({ number, attempt, id }));
  }

  async settle(number: number, attempt: number, ok: boolean, reason?: string): Promise<void> {
    const asked = { consumption: 'c', number, attempt, ok, ...(reason === undefined ? {} : { reason }) };
    assert.deepEqual(await this.ask('settle', asked), { ok: true });
  }
}

async function start(t: TestContext, random?: () => number) {
  const options = random === undefined ? {} : { random };
  const { broker, streams } = await startDurableBroker(t, { shop: BOTH }, options);
  const peer = await broker.member('shop');
  assert.equal(await peer.trySubscribe(1, `${peer.welcomed?.reply}.*`), 'taken');
  return { consumer: new RawConsumer(peer), streams };
}

test('with maxInFlight 1 messages come in order; a failed one waits, and later ones overtake it', async (t) => {
  const { consumer } = await start(t);
  await consumer.keep('one', 'two', 'three');
  await consumer.open({ retryDelayMs: 300_000 });
  const [first] = await consumer.pull();
  assert.deepEqual(first, { number: 1, attempt: 1, id: 'one' });
  assert.deepEqual(await consumer.pull([{ number: 1, attempt: 1 }], 0), []);
  await consumer.settle(1, 1, false);
  assert.deepEqual(await consumer.pull(), [{ number: 2, attempt: 1, id: 'two' }]);
  await consumer.settle(2, 1, true);
  assert.deepEqual(await consumer.pull(), [{ number: 3, attempt: 1, id: 'three' }]);
});

test('a failed message comes before new ones once it is due', async (t) => {
  const { consumer } = await start(t);
  await consumer.keep('one', 'two');
  await consumer.open({ retryDelayMs: 0 });
  assert.deepEqual(await consumer.pull(), [{ number: 1, attempt: 1, id: 'one' }]);
  await consumer.settle(1, 1, false);
  assert.deepEqual(await consumer.pull(), [{ number: 1, attempt: 2, id: 'one' }]);
});

for (const [what, random, factor] of [
  ['all', () => 0, 1],
  ['half', () => 0.999_999, 0.5],
] as const)
  test(`the wait after attempt n can be ${what} of retryDelayMs x 2^(n-1)`, async (t) => {
    const { consumer } = await start(t, random);
    await consumer.keep('one');
    await consumer.open({ retryDelayMs: 60 });
    let began = performance.now();
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      assert.deepEqual(await consumer.pull(), [{ number: 1, attempt, id: 'one' }]);
      // The store counts whole milliseconds of another clock.
      const least = attempt === 1 ? 0 : 60 * 2 ** (attempt - 2) * factor - 2;
      assert.ok(performance.now() - began >= least, `attempt ${attempt}`);
      began = performance.now();
      await consumer.settle(1, attempt, false);
    }
  });

test('settling a wrong number or attempt is answered with success and changes nothing', async (t) => {
  const { consumer, streams } = await start(t);
  await consumer.keep('one');
  await consumer.open({ retryDelayMs: 0 });
  assert.deepEqual(await consumer.pull(), [{ number: 1, attempt: 1, id: 'one' }]);
  await consumer.settle(1, 2, true);
  await consumer.settle(99, 1, true);
  assert.deepEqual(await consumer.pull(), [{ number: 1, attempt: 1, id: 'one' }]);
  await consumer.settle(1, 1, false);
  assert.deepEqual(await consumer.pull(), [{ number: 1, attempt: 2, id: 'one' }]);
  await consumer.settle(1, 1, true);
  assert.deepEqual(await consumer.pull(), [{ number: 1, attempt: 2, id: 'one' }]);
  await consumer.settle(1, 2, true);
  await consumer.settle(1, 2, false);
  const left = await consumer.ask('pull', { consumption: 'c', holding: [], waitMs: 20_000, idle: true });
  assert.deepEqual(left.value, { messages: [], idle: true });
  assert.deepEqual((await streams.figures()).consumers[0]?.retrying, 0);
});

test('a reason becomes one line of text, whatever the client says', async (t) => {
  const { consumer, streams } = await start(t);
  await consumer.keep('one');
  await consumer.open({ maxAttempts: 1 });
  await consumer.pull();
  await consumer.settle(1, 1, false, 'no\u0000 room\u001b[2J\r\nleft\ud800');
  const gone = await consumer.ask('pull', { consumption: 'c', holding: [], waitMs: 20_000, idle: true });
  assert.deepEqual(gone.value, { messages: [], idle: true });
  const [dead] = await streams.deadLetters(undefined, 1);
  assert.equal(dead?.error, 'no  room [2J left\ufffd');
});

test('names and bodies that two readers could interpret differently are refused', async (t) => {
  const { consumer } = await start(t);
  const deep = '['.repeat(65) + ']'.repeat(65);
  const kept = { id: 'x', type: 'orders.placed', datacontenttype: 'application/json', text: '1' };
  const packed = { ...kept, text: undefined, datacontenttype: 'application/msgpack' };
  const opened = { consumption: 'c', pattern: 'orders.*', consumer: 'mailer' };
  const cases = [
    ['publish', { ...kept, id: 'a\u001b[2J' }, 'AICO_BUS_DURABLE_REQUEST'],
    ['publish', { ...kept, traceparent: '\n' }, 'AICO_BUS_DURABLE_REQUEST'],
    ['publish', { ...kept, text: '{' }, 'AICO_BUS_DURABLE_REQUEST'],
    ['publish', { ...kept, text: deep }, 'AICO_DATA_BOUNDS'],
    ['publish', { ...packed, base64: 'osMo' }, 'AICO_BUS_DURABLE_REQUEST'],
    ['publish', { ...packed, base64: 'osM' }, 'AICO_BUS_DURABLE_REQUEST'],
    ['publish', { ...packed, base64: 'wA==\n' }, 'AICO_BUS_DURABLE_REQUEST'],
    ['open', { ...opened, consumer: 'a\nb' }, 'AICO_BUS_DURABLE_REQUEST'],
    ['open', { ...opened, consumption: '\u0007' }, 'AICO_BUS_DURABLE_REQUEST'],
  ] as const;
  for (const [name, content, code] of cases)
    assert.deepEqual(await consumer.ask(name, content), { ok: false, code }, JSON.stringify(content));
});

test('a consumption runs one consumer, even if it is opened several times at once', async (t) => {
  const { consumer, streams } = await start(t);
  const asked = Array.from({ length: 8 }, (_, n) => ({
    consumption: 'c',
    pattern: 'orders.*',
    consumer: `c${n % 4}`,
  }));
  const answers = await consumer.askAtOnce('open', asked);
  assert.ok(answers.some(({ ok }) => ok));
  for (const { ok, code } of answers) assert.ok(ok || code === 'AICO_BUS_CONSUMPTION_ENDED', code);
  const running = async () => (await streams.figures()).consumers.filter((each) => each.running).length;
  assert.equal(await running(), 1);
  assert.deepEqual(await consumer.ask('close', { consumption: 'c' }), { ok: true });
  assert.equal(await running(), 0);
});

test('one client has at most 64 consumers, even if more are opened at once', async (t) => {
  const { consumer } = await start(t);
  const asked = Array.from({ length: 70 }, (_, n) => ({
    consumption: `${n}`,
    pattern: 'orders.*',
    consumer: `${n}`,
  }));
  const answers = await consumer.askAtOnce('open', asked);
  assert.equal(answers.filter(({ ok }) => ok).length, 64);
});

test('a number beyond the maximum is refused as a start', async (t) => {
  const { consumer } = await start(t);
  const content = { consumption: 'c', pattern: 'orders.*', consumer: 'mailer', from: 1e300 };
  const { code } = await consumer.ask('open', content);
  assert.equal(code, 'AICO_BUS_DURABLE_REQUEST');
});
