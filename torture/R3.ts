/**
 * R3: `kill -9` of publisher, broker with its store, and consumer, which are separate processes, 50 times each, during the delivery
 * of 100,000 durable messages. Every message that was acknowledged to the publisher has had its effect at the consumer exactly once.
 * A second part has all three in one process, where messages and effects share transactions.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type BusCredential, type CurveKeyPair, curveKeyPair } from '@aico/shared/core/bus/zeromq';
import { EncryptedDatabase } from '@aico/shared/data';
import type { Campaign } from './campaign.ts';
import type { BrokerTask } from './fixtures/durable-broker.ts';
import type { ClientTask } from './fixtures/durable-client.ts';
import { inOneProcess } from './fixtures/r3-in-one-process.ts';
import { randomFrom } from './fixtures/random.ts';

/** The number of kills for each of the three processes. */
const FULL_COUNT = 50;
const MESSAGES_A_KILL = 2_000;
/** The time limit of every wait, except for the end of the consumer, which may have a large backlog. */
const PATIENCE_MS = 60_000;
/** Milliseconds that a slow machine may take to handle one message. */
const HANDLED_MS = 20;

const ROLES = ['publisher', 'broker', 'consumer'] as const;
type Role = (typeof ROLES)[number];

export const campaign: Campaign = async ({ count = FULL_COUNT, seed, report }) => {
  const apart = await new Campaigners(count, seed, report).run();
  const together = await inOneProcess({ count, seed, report });
  const failures = apart.failures + together.failures;
  return { runs: count * 3 + count, failures, ok: failures === 0, apart, together };
};

/** The three processes, and the acknowledged messages. */
class Campaigners {
  readonly #count: number;
  readonly #random: () => number;
  readonly #report: (line: string) => void;
  readonly #keys = { broker: curveKeyPair(), publisher: curveKeyPair(), consumer: curveKeyPair() };
  readonly #databaseKey = randomBytes(32).toString('hex');
  readonly #running = new Map<Role, ChildProcess>();
  readonly #acknowledged = new Set<number>();
  readonly #kills: Record<Role, number> = { publisher: 0, broker: 0, consumer: 0 };
  #folder = '';
  /** All smaller numbers have been acknowledged. */
  #lowest = 0;

  constructor(count: number, seed: number, report: (line: string) => void) {
    this.#count = count;
    this.#random = randomFrom(seed);
    this.#report = report;
  }

  async run() {
    this.#folder = await mkdtemp(path.join(os.tmpdir(), 'aico-r3-'));
    const total = this.#count * MESSAGES_A_KILL;
    try {
      await this.#start('broker', this.#brokerTask());
      await this.#start('consumer', this.#clientTask('consumer'));
      for (let kill = 0; kill < this.#count * 3; kill += 1) {
        await this.#publishUntil(Math.round((total * (kill + 1)) / (this.#count * 3)));
        await delay(this.#random() * 50);
        await this.#killAndStart(ROLES[kill % 3] ?? 'broker');
        if (kill % 30 === 29)
          this.#report(`${kill + 1} kills, ${this.#acknowledged.size} messages acknowledged`);
      }
      await this.#publishUntil(total);
      await this.#finish();
      return await this.#judge(total);
    } finally {
      for (const child of this.#running.values()) child.kill('SIGKILL');
      await rm(this.#folder, { recursive: true, force: true });
    }
  }

  #brokerTask(): BrokerTask {
    const grant = (component: 'publisher' | 'consumer', publish: string[], subscribe: string[]) => ({
      component,
      publicKey: this.#keys[component].publicKey,
      publish,
      subscribe,
    });
    return {
      file: path.join(this.#folder, 'broker.db'),
      key: this.#databaseKey,
      endpoint: this.#endpoint(),
      keys: this.#keys.broker,
      grants: [grant('publisher', ['r3.*'], []), grant('consumer', [], ['r3.*'])],
    };
  }

  #clientTask(role: 'publisher' | 'consumer', first = 0, count = 0): ClientTask {
    const pair: CurveKeyPair = this.#keys[role];
    const credential: BusCredential = {
      format: 'aico-bus-credential',
      version: 1,
      component: role,
      endpoints: [this.#endpoint()],
      broker: this.#keys.broker.publicKey,
      public_key: pair.publicKey,
      secret_key: pair.secretKey,
      publish: [],
      subscribe: [],
    };
    if (role === 'publisher') return { role, credential, first, count };
    return { role, credential, file: path.join(this.#folder, 'consumer.db'), key: this.#databaseKey };
  }

  #endpoint(): string {
    return `ipc://${path.join(this.#folder, 'bus.sock')}`;
  }

  /** Starts a process. The publisher begins at the first number that has not been acknowledged; the others are awaited. */
  async #start(role: Role, task: BrokerTask | ClientTask): Promise<void> {
    const file = role === 'broker' ? 'durable-broker.ts' : 'durable-client.ts';
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL(`./fixtures/${file}`, import.meta.url)), JSON.stringify(task)],
      { stdio: [role === 'consumer' ? 'pipe' : 'ignore', 'pipe', 'inherit'] },
    );
    this.#running.set(role, child);
    child.once('exit', () => {
      if (this.#running.get(role) === child) this.#running.delete(role);
    });
    const lines = createInterface(child.stdout ?? process.stdin);
    const isOpen = Promise.withResolvers<void>();
    lines.on('line', (line) => {
      if (/^\d+$/.test(line)) this.#acknowledged.add(Number(line));
      else if (line === 'open') isOpen.resolve();
    });
    // The consumer connects once the broker is available, so only the start of the broker is awaited.
    if (role === 'broker') await this.#within(isOpen.promise, 'the broker does not open');
  }

  async #killAndStart(role: Role): Promise<void> {
    const child = this.#running.get(role);
    if (child !== undefined) {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      const [, signal] = await this.#within(ended, `${role} does not die`);
      if (signal === 'SIGKILL') this.#kills[role] += 1;
    }
    if (role === 'broker') await this.#start(role, this.#brokerTask());
    else if (role === 'consumer') await this.#start(role, this.#clientTask('consumer'));
  }

  /** Runs a publisher until `target` messages have been acknowledged. */
  async #publishUntil(target: number): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS + target;
    while (this.#acknowledged.size < target) {
      if (!this.#running.has('publisher')) await this.#startPublisher();
      if (performance.now() > deadline) throw new Error(`only ${this.#acknowledged.size} were acknowledged`);
      await delay(5);
    }
  }

  /** Publishes from the first number that was not acknowledged; later ones are published again with the same ids. */
  async #startPublisher(): Promise<void> {
    let first = this.#lowest;
    while (this.#acknowledged.has(first)) first += 1;
    this.#lowest = first;
    await this.#start(
      'publisher',
      this.#clientTask('publisher', first, this.#count * MESSAGES_A_KILL - first),
    );
  }

  /** Waits until the consumer has handled all messages and has ended. */
  async #finish(): Promise<void> {
    if (!this.#running.has('consumer')) await this.#start('consumer', this.#clientTask('consumer'));
    const consumer = this.#running.get('consumer');
    if (consumer === undefined) throw new Error('there is no consumer');
    const since = performance.now();
    const ended = once(consumer, 'exit');
    consumer.stdin?.write('end\n');
    const patienceMs = PATIENCE_MS + this.#acknowledged.size * HANDLED_MS;
    const [code] = await this.#within(ended, 'the consumer does not end', patienceMs);
    this.#report(`the consumer came to an end in ${Math.round(performance.now() - since)} ms`);
    if (code !== 0) throw new Error(`the consumer ended with ${String(code)}`);
  }

  async #judge(total: number) {
    const file = path.join(this.#folder, 'consumer.db');
    const database = await EncryptedDatabase.open({ file, key: Buffer.from(this.#databaseKey, 'hex') });
    const { rows } = await database.execute<{ n: number; times: number }>(
      'SELECT n, count(*) AS times FROM effect GROUP BY n',
    );
    const seen = await database.execute<{ again: number }>('SELECT sum(times - 1) AS again FROM seen');
    await database.close();
    const effects = new Map(rows.map(({ n, times }) => [Number(n), Number(times)]));
    const lost = [...this.#acknowledged].filter((n) => !effects.has(n)).length;
    const twice = [...effects.values()].filter((times) => times !== 1).length;
    const strange = [...effects.keys()].filter((n) => n < 0 || n >= total).length;
    return {
      failures: lost + twice + strange,
      kills: this.#kills,
      acknowledged: this.#acknowledged.size,
      effects: effects.size,
      lost,
      twice,
      deliveredAgain: Number(seen.rows[0]?.again ?? 0),
    };
  }

  async #within<T>(work: Promise<T>, otherwise: string, patienceMs = PATIENCE_MS): Promise<T> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error(otherwise)), patienceMs);
    try {
      return await Promise.race([work, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}
