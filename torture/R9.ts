/**
 * R9: peers try to send and receive on the bus without the right to: peers with an unknown key, without encryption or with a
 * password, components that claim to be another, replayed proofs, stolen routing ids, forged sources and answers, cancellations of
 * requests of others, headers that are not UTF-8, and revoked components. Rights are compared with an independent matcher. No such
 * message is delivered.
 */
import { matchesTopic } from '@aico/protocol';
import { FrameType } from '@aico/shared/core/bus/frames';
import { curveKeyPair } from '@aico/shared/core/bus/zeromq';
import { TestBroker } from '../packages/backend/test/fixtures/broker.ts';
import { RawPeer } from '../packages/backend/test/fixtures/raw-peer.ts';
import type { Campaign } from './campaign.ts';

const FULL_COUNT = 50;

/** Milliseconds without an answer after which a peer counts as refused. */
const SILENCE_MS = 400;

const WORDS = ['a', 'b', 'c'] as const;

export const campaign: Campaign = async ({ count = FULL_COUNT, seed, report }) => {
  const random = randomFrom(seed);
  let attacks = 0;
  let failures = 0;
  const fail = (line: string): void => {
    report(line);
    failures += 1;
  };
  for (let run = 0; run < count; run += 1) {
    const world = await World.create();
    try {
      for (const [name, attack] of Object.entries(ATTACKS)) {
        attacks += 1;
        const outcome = await attack(world);
        if (outcome !== undefined) fail(`${name}: ${outcome}`);
      }
      const heard = await world.heard();
      if (heard !== 'good only') fail(`heard by the victim: ${heard}`);
      const matrix = await rightsMatrix(world, random);
      attacks += matrix.tried;
      for (const line of matrix.wrong) fail(line);
    } finally {
      await world.end();
    }
  }
  return { runs: count, attacks, failures, ok: failures === 0 };
};

type Attack = (world: World) => Promise<string | undefined>;

/** A broker with a component that may publish on `target.>`, one that may subscribe to everything, and one with hardly any rights. */
class World {
  readonly broker: TestBroker;
  readonly #peers: RawPeer[] = [];
  readonly #sources: string[] = [];
  #ended = Promise.withResolvers<void>();

  private constructor(broker: TestBroker) {
    this.broker = broker;
  }

  static async create(): Promise<World> {
    const world = new World(
      await TestBroker.start({
        good: { publish: ['target.>'], subscribe: ['answers.*'] },
        victim: { publish: [], subscribe: ['>'] },
        mallory: { publish: ['mallory.>'], subscribe: ['mallory.>'] },
        revoked: { publish: ['target.>'], subscribe: ['>'] },
        asker: { publish: ['ask.*'], subscribe: [] },
        server: { publish: [], subscribe: ['ask.*'] },
      }),
    );
    const victim = await world.broker.client('victim');
    await victim.subscribe('>', (topic, _message, { source }) => {
      if (topic === 'target.end') world.#ended.resolve();
      else if (!topic.startsWith('ask.')) world.#sources.push(`${source} on ${topic}`);
    });
    return world;
  }

  peer(options: Partial<ConstructorParameters<typeof RawPeer>[0]> = {}): RawPeer {
    const peer = new RawPeer({
      endpoint: this.broker.endpoint,
      serverKey: this.broker.keys.publicKey,
      ...options,
    });
    this.#peers.push(peer);
    return peer;
  }

  keysOf(component: string) {
    const keys = this.broker.secrets.get(component);
    if (keys === undefined) throw new TypeError(component);
    return keys;
  }

  /** Connects an authenticated component. */
  async member(component: string): Promise<RawPeer> {
    const keys = this.keysOf(component);
    const peer = this.peer({ keys });
    const outcome = await peer.join(component, keys.secretKey, this.broker.keys.publicKey);
    if (outcome !== 'welcome') throw new TypeError(`${component} was not let in: ${outcome}`);
    return peer;
  }

  /** Resolves when the broker has noticed that a client of `component` has disconnected. */
  leaving(component: string): Promise<void> {
    return new Promise((resolve) => {
      this.broker.onEvent = (event) => {
        if (event.name === 'left' && event.component === component) resolve();
      };
    });
  }

  /** The messages that the victim has received, after all messages sent before have been processed. */
  async heard(): Promise<string> {
    const good = await this.broker.client('good');
    await good.publish('target.end', 'end');
    await this.#ended.promise;
    return this.#sources.length === 0 ? 'good only' : this.#sources.join(', ');
  }

  async end(): Promise<void> {
    for (const peer of this.#peers) peer.close();
    await this.broker.stop();
  }
}

/**
 * Publishes as a peer that must be refused. A peer without a granted key must get no answer at all, since the encrypted handshake
 * already refuses it.
 */
async function outsider(
  peer: RawPeer,
  world: World,
  secretKey: string,
  expected: 'silence' | 'refused' = 'silence',
): Promise<string | undefined> {
  const outcome = await peer.join('good', secretKey, world.broker.keys.publicKey, { timeoutMs: SILENCE_MS });
  await peer.publish({ topic: 'target.x', source: 'good' });
  return outcome === expected ? undefined : `got ${outcome}`;
}

/** Invalid UTF-8 of two bytes each: a truncated sequence, an overlong one, half a surrogate, an invalid first byte. */
const BAD_UTF8: readonly (readonly [number, number])[] = [
  [0xc3, 0x28],
  [0xc0, 0xaf],
  [0xed, 0xa0],
  [0xff, 0xfe],
];

/** Sends a request that `server` receives and has not answered. */
async function openRequest(world: World) {
  const server = await world.member('server');
  await server.trySubscribe(1, 'ask.*');
  // By this the broker knows that requests are answered.
  await server.trySubscribe(2, '_cancel.ask.*');
  const asker = await world.broker.client('asker');
  const asked = asker.request('ask.it', 1, { timeoutMs: 20_000 });
  const message = await server.nextMessage();
  if (message === undefined) throw new TypeError('the request did not arrive');
  return { asked, server, request: message.head };
}

const ATTACKS: Readonly<Record<string, Attack>> = {
  'a peer with an unknown key': (world) => {
    const keys = curveKeyPair();
    return outsider(world.peer({ keys }), world, keys.secretKey);
  },
  'a peer without encryption': (world) => outsider(world.peer(), world, curveKeyPair().secretKey),
  'a peer with a password': (world) => outsider(world.peer({ plain: true }), world, curveKeyPair().secretKey),
  'a component with the wrong broker key': (world) => {
    const keys = world.keysOf('good');
    return outsider(world.peer({ keys, serverKey: curveKeyPair().publicKey }), world, keys.secretKey);
  },
  'a component that claims to be another': (world) => {
    const keys = world.keysOf('mallory');
    return outsider(world.peer({ keys }), world, keys.secretKey, 'refused');
  },
  'a component that publishes before HELLO': async (world) => {
    const peer = world.peer({ keys: world.keysOf('mallory') });
    return (await peer.tryPublish({ topic: 'target.x', source: 'good' }, SILENCE_MS)) === 'taken'
      ? 'was taken'
      : undefined;
  },
  'a component that publishes before PROOF': async (world) => {
    const peer = world.peer({ keys: world.keysOf('mallory') });
    await peer.sayHello('good');
    return (await peer.tryPublish({ topic: 'target.x', source: 'good' }, SILENCE_MS)) === 'taken'
      ? 'was taken'
      : undefined;
  },
  'a proof made for another connection': async (world) => {
    const keys = world.keysOf('good');
    const peer = world.peer({ keys });
    const outcome = await peer.join('good', keys.secretKey, world.broker.keys.publicKey, {
      routingId: '0'.repeat(32),
    });
    return outcome === 'welcome' ? 'was welcomed' : undefined;
  },
  'a proof made for another nonce': async (world) => {
    const keys = world.keysOf('good');
    const peer = world.peer({ keys });
    const outcome = await peer.join('good', keys.secretKey, world.broker.keys.publicKey, {
      nonce: Buffer.alloc(32),
    });
    return outcome === 'welcome' ? 'was welcomed' : undefined;
  },
  "a routing id that is another's": async (world) => {
    const good = await world.member('good');
    const peer = world.peer({ keys: world.keysOf('mallory'), routingId: good.routingId });
    const outcome = await peer.tryPublish({ topic: 'target.x', source: 'good' }, SILENCE_MS);
    // The owner of the routing id is not affected.
    const still = await good.tryPublish({ topic: 'target.end.not', source: 'mallory' });
    if (still !== 'refused') return `the owner of the routing id got ${still}`;
    return outcome === 'taken' ? 'was taken' : undefined;
  },
  'a routing id whose owner has gone': async (world) => {
    const good = await world.member('good');
    const left = world.leaving('good');
    good.close();
    await left;
    const peer = world.peer({ keys: world.keysOf('mallory'), routingId: good.routingId });
    const outcome = await peer.tryPublish({ topic: 'target.x', source: 'good' }, SILENCE_MS);
    return outcome === 'taken' ? 'was taken' : undefined;
  },
  'a forged source': async (world) => {
    const peer = await world.member('mallory');
    for (const source of ['good', 'mallory2', 'mallory.x', '', 'Mallory'])
      if ((await peer.tryPublish({ topic: 'mallory.x', source })) !== 'refused') return `${source} was taken`;
    return undefined;
  },
  'requests whose answers go to another component': async (world) => {
    const peer = await world.member('mallory');
    for (const replyto of ['target.x', '_reply.good.0000000000000000.1', '_reply.mallory', '_reply'])
      if ((await peer.tryPublish({ topic: 'mallory.x', source: 'mallory', replyto })) !== 'refused')
        return `${replyto} was taken`;
    return undefined;
  },
  'patterns that match answers to other components': async (world) => {
    const peer = await world.member('mallory');
    const patterns = ['_reply.>', '_reply.good.>', '_reply.mallory.>', '>', '*.>', '_cancel.>', 'target.x'];
    for (const [index, pattern] of patterns.entries())
      if ((await peer.trySubscribe(index + 1, pattern)) !== 'refused') return `${pattern} was taken`;
    return undefined;
  },
  'answers from components that did not receive the request': async (world) => {
    const { asked, request, server } = await openRequest(world);
    const { replyto = '', idPrefix } = request;
    // Only the first topic can be known; every component could compute the second one in earlier versions.
    const addresses = [
      replyto,
      `${replyto.split('.').slice(0, 3).join('.')}.${idPrefix.replaceAll('-', '')}.1`,
    ];
    for (const component of ['mallory', 'good', 'asker', 'server'] as const) {
      const forger = await world.member(component);
      for (const topic of addresses) {
        const outcome = await forger.refusalOf({ topic, source: component }, '{"ok":true,"value":"forged"}');
        if (outcome !== 'ANSWER') return `${component} got ${outcome} on ${topic}`;
      }
    }
    await server.publish({ topic: replyto, source: 'server' }, '{"ok":true,"value":"genuine"}');
    const answer = await asked;
    return answer === 'genuine' ? undefined : `the answer was ${JSON.stringify(answer)}`;
  },
  "cancellations of another's request": async (world) => {
    const { asked, request, server } = await openRequest(world);
    const { replyto = '' } = request;
    const other = await world.member('asker');
    for (const forged of [{ replyto }, {}])
      if ((await other.refusalOf({ topic: '_cancel.ask.it', source: 'asker', ...forged })) !== 'REPLYTO')
        return 'was taken';
    await server.publish({ topic: replyto, source: 'server' }, '{"ok":true,"value":"genuine"}');
    await asked;
    return server.frames.some(([type]) => type === FrameType.DELIVER) ? 'was delivered' : undefined;
  },
  'headers that are not UTF-8': async (world) => {
    for (const [index, head] of [
      { topic: 'mallory.XX', source: 'mallory' },
      { topic: 'mallory.x', source: 'mallory/XX' },
      { topic: 'mallory.x', source: 'mallory', idPrefix: 'XX' },
      { topic: 'mallory.x', source: 'mallory', contentType: 'XX' },
      { topic: 'mallory.x', source: 'mallory', traceparent: 'XX' },
      { topic: 'mallory.x', source: 'mallory', replyto: '_reply.mallory.XX' },
    ].entries()) {
      const peer = await world.member('mallory');
      const frame = peer.publishFrame(head);
      frame.set(BAD_UTF8[index % BAD_UTF8.length] ?? [], frame.indexOf('XX'));
      await peer.send(frame);
      const answer = await peer.next([FrameType.BYE, FrameType.ACK], 3_000);
      if (answer?.[0] !== FrameType.BYE) return `${JSON.stringify(head)} did not end the session`;
    }
    return undefined;
  },
  'control characters in attributes of a message': async (world) => {
    const peer = await world.member('mallory');
    for (const character of ['\n', '\u001b[2J', '\u0000', '\u009b1m', '\ufffe'])
      for (const head of [
        { source: `mallory/${character}` },
        { source: 'mallory', idPrefix: character },
        { source: 'mallory', contentType: character },
        { source: 'mallory', traceparent: character },
        { source: 'mallory', replyto: `${peer.welcomed?.reply}.${character}` },
      ])
        if ((await peer.tryPublish({ topic: 'mallory.x', ...head })) !== 'refused')
          return `${JSON.stringify(head)} was taken`;
    return undefined;
  },
  'a component whose grant is revoked while it is connected': async (world) => {
    const peer = await world.member('revoked');
    world.broker.revoke('revoked');
    if ((await peer.tryPublish({ topic: 'target.x', source: 'revoked' }, SILENCE_MS)) === 'taken')
      return 'was taken';
    const again = world.peer({ keys: world.keysOf('revoked') });
    const outcome = await again.join(
      'revoked',
      world.keysOf('revoked').secretKey,
      world.broker.keys.publicKey,
      { timeoutMs: SILENCE_MS },
    );
    return outcome === 'welcome' ? 'was welcomed again' : undefined;
  },
  'the old key of a component that has a new one': async (world) => {
    const old = world.keysOf('good');
    const peer = await world.member('good');
    world.broker.grant('good', { publish: ['target.>'] });
    if ((await peer.tryPublish({ topic: 'target.x', source: 'good' }, SILENCE_MS)) === 'taken')
      return 'was taken';
    const outcome = await world
      .peer({ keys: old })
      .join('good', old.secretKey, world.broker.keys.publicKey, { timeoutMs: SILENCE_MS });
    return outcome === 'welcome' ? 'was welcomed' : undefined;
  },
};

/** Compares the rights of every pattern to every topic with an independent matcher. */
async function rightsMatrix(world: World, random: () => number) {
  const wrong: string[] = [];
  let tried = 0;
  const publish = [randomPattern(random), randomPattern(random)];
  const subscribe = [randomPattern(random), randomPattern(random)];
  world.broker.grant('mallory', { publish, subscribe });
  const peer = await world.member('mallory');
  for (let n = 0; n < 24; n += 1) {
    const topic = randomPattern(random).replaceAll(/[*>]/g, 'a');
    const may = publish.some((pattern) => toRegExp(pattern).test(topic));
    const outcome = await peer.tryPublish({ topic, source: 'mallory' });
    tried += 1;
    if (outcome !== (may ? 'taken' : 'refused')) wrong.push(`publish ${topic} with ${publish}: ${outcome}`);
    const pattern = randomPattern(random);
    const heard = await peer.trySubscribe(n + 100, pattern);
    tried += 1;
    // A component with a pattern must receive nothing that its grant does not cover.
    const beyond = topicsOf().find(
      (each) => matchesTopic(pattern, each) && !subscribe.some((granted) => toRegExp(granted).test(each)),
    );
    if (heard === 'taken' && beyond !== undefined)
      wrong.push(`subscribe ${pattern} with ${subscribe} receives ${beyond}`);
    if (heard === 'refused' && subscribe.includes(pattern)) wrong.push(`subscribe ${pattern} was refused`);
  }
  return { tried, wrong };
}

/** A matcher that shares no code with the bus. */
function toRegExp(pattern: string): RegExp {
  const source = pattern
    .split('.')
    .map((segment) => (segment === '*' ? '[^.]+' : segment === '>' ? '.+' : segment))
    .join('\\.');
  return new RegExp(`^${source}$`);
}

function topicsOf(): readonly string[] {
  const one = [...WORDS];
  const two = one.flatMap((first) => WORDS.map((second) => `${first}.${second}`));
  const three = two.flatMap((first) => WORDS.map((second) => `${first}.${second}`));
  return [...one, ...two, ...three, ...three.map((topic) => `${topic}.a`)];
}

function randomPattern(random: () => number): string {
  const pick = (words: readonly string[]): string => words[Math.floor(random() * words.length)] ?? 'a';
  const segments = Array.from({ length: 1 + Math.floor(random() * 3) }, () => pick([...WORDS, '*']));
  return random() < 0.3 ? [...segments.slice(1), '>'].join('.') : segments.join('.');
}

/** Mulberry32, so that a seed repeats the run. */
function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
