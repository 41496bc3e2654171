import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { InProcessBus, MessageBusClient } from '../../core/bus/index.ts';
import { type Database, EncryptedDatabase } from '../index.ts';
import { DurableStreams } from './index.ts';

/** A home for messages that survives its process: `open` is a start, `crash` a death without a word. */
export async function setUp(t: TestContext, retention = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), 'aico-streams-'));
  const file = path.join(folder, 'a.db');
  const key = randomBytes(32);
  const clock = { now: 1_700_000_000_000 };
  const database = await EncryptedDatabase.open({ file, key });
  await database.migrate('test', [{ id: '001', sql: 'CREATE TABLE effect (text TEXT NOT NULL)' }]);
  const opened: { bus: MessageBusClient; streams: DurableStreams }[] = [];
  const open = async () => {
    const streams = new DurableStreams({ database, retention, now: () => clock.now, random: () => 0 });
    await streams.start();
    const bus = new MessageBusClient({ source: 'test', transport: new InProcessBus(), durable: streams });
    await bus.connect();
    opened.push({ bus, streams });
    return { bus, streams };
  };
  t.after(async () => {
    for (const { bus } of opened) await bus.close();
    await database.close();
    await rm(folder, { recursive: true });
  });
  const effects = async () =>
    (await database.execute<{ text: string }>('SELECT text FROM effect ORDER BY rowid')).rows.map(
      ({ text }) => text,
    );
  return { database, clock, open, effects };
}

/** The database as a process that can die sees it: after that nothing it asked for is ever answered. */
export function mortal(database: EncryptedDatabase): { readonly database: Database; die(): void } {
  let dead = false;
  const never = new Promise<never>(() => {});
  const orNever = async <T>(work: () => Promise<T>): Promise<T> => {
    if (dead) return never;
    const value = await work();
    return dead ? never : value;
  };
  return {
    database: new Proxy<Database>(database, {
      get(target, name) {
        if (name === 'execute')
          return (...args: Parameters<Database['execute']>) => orNever(() => target.execute(...args));
        if (name === 'transaction')
          return (...args: Parameters<Database['transaction']>) => orNever(() => target.transaction(...args));
        const member: unknown = Reflect.get(target, name);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    }),
    die: () => {
      dead = true;
    },
  };
}
