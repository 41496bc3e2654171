/**
 * C3: the node that holds a lease is stopped by SIGSTOP past its term, another node takes the lease, and the first continues. Each
 * write that it then tries within a transaction is refused, also if it believes that it still holds the lease.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { PostgresDatabase } from '@aico/shared/data/postgres';
import { PostgresServer } from '../packages/shared/test/fixtures/postgres-server.ts';
import type { Campaign } from './campaign.ts';

const FULL_COUNT = 200;
const HOLDER = fileURLToPath(new URL('./fixtures/lease-holder.ts', import.meta.url));

interface Message {
  readonly kind: 'held' | 'written';
  readonly node: string;
  readonly epoch?: number;
  readonly result?: string;
}

/** A process that holds the lease whenever it can. */
class Holder {
  readonly child: ChildProcess;
  readonly node: string;

  constructor(url: string, node: string) {
    this.node = node;
    this.child = fork(HOLDER, [url, node]);
  }

  async write(isBlind: boolean): Promise<string> {
    const written = this.#next('written');
    this.child.send(isBlind);
    return (await written).result ?? '';
  }

  /** Resolves when it has taken the lease after the call. */
  async held(): Promise<Holder> {
    await this.#next('held');
    return this;
  }

  async #next(kind: Message['kind']): Promise<Message> {
    for (;;) {
      const [message] = (await once(this.child, 'message')) as [Message];
      if (message.kind === kind) return message;
    }
  }

  async end(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }
}

export const campaign: Campaign = async ({ count = FULL_COUNT, report }) => {
  const server = await PostgresServer.start();
  const holders: Holder[] = [];
  let failures = 0;
  const fail = (line: string): void => {
    failures += 1;
    report(line);
  };
  try {
    const database = await PostgresDatabase.open({ url: server.url() });
    try {
      await database.migrate('effects', [
        { id: '001', sql: 'CREATE TABLE effect (number INTEGER PRIMARY KEY, node TEXT, epoch INTEGER)' },
      ]);
      holders.push(new Holder(server.url(), 'a'));
      let leader = await (holders[0] as Holder).held();
      holders.push(new Holder(server.url(), 'b'));
      let committed = 0;
      for (let round = 0; round < count; round += 1) {
        if ((await leader.write(false)) === 'committed') committed += 1;
        const taken = Promise.any(holders.filter((each) => each !== leader).map((each) => each.held()));
        leader.child.kill('SIGSTOP');
        const next = await taken;
        if ((await next.write(false)) === 'committed') committed += 1;
        leader.child.kill('SIGCONT');
        const result = await leader.write(round % 2 === 0);
        if (result !== 'refused') fail(`round ${round}: ${leader.node} wrote after its lease: ${result}`);
        leader = next;
      }
      const { rows } = await database.execute<{ node: string; epoch: number }>(
        'SELECT node, epoch FROM effect ORDER BY number',
      );
      rows.forEach(({ epoch, node }, index) => {
        const before = rows[index - 1];
        if (
          before !== undefined &&
          (before.epoch > epoch || (before.epoch === epoch && before.node !== node))
        )
          fail(`an effect of epoch ${epoch} follows one of epoch ${before.epoch}`);
      });
      if (rows.length !== committed) fail(`${rows.length} effects, ${committed} acknowledged`);
      // A slow machine may lose a lease by itself, but not each time.
      if (committed < count) fail(`only ${committed} writes were made in ${count} rounds`);
      return { runs: count, failures, ok: failures === 0, committed };
    } finally {
      await database.close();
    }
  } finally {
    for (const holder of holders) await holder.end();
    await server.remove();
  }
};
