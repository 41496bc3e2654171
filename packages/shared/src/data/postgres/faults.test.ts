import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { NO_POSTGRES, PostgresServer } from '../../../test/fixtures/postgres-server.ts';
import { CommitUnknownError, DatabaseUnreachableError } from './errors.ts';
import { PostgresDatabase } from './index.ts';

/** A proxy before the server, which cuts its connections at a chosen moment. */
class CuttingProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Called with each message of a client before it is passed on; `true` cuts the connection before, `'after'` after it. */
  onMessage: (bytes: Buffer) => 'before' | 'after' | undefined = () => undefined;

  private constructor(target: string) {
    this.#server = createServer((client) => {
      const server = connect(target);
      for (const socket of [client, server]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => this.#sockets.delete(socket));
      }
      client.on('data', (bytes) => {
        const cut = this.onMessage(bytes);
        if (cut === 'before') {
          client.destroy();
          server.destroy();
          return;
        }
        if (cut === 'after') {
          // The client gets no answer, and the server reads what was sent.
          client.destroy();
          server.end(bytes);
          return;
        }
        server.write(bytes);
      });
      server.on('data', (bytes) => client.write(bytes));
      client.on('close', () => server.end());
      server.on('close', () => client.destroy());
    });
  }

  static async start(target: string): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    const address = this.#server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    return `postgres://aico@127.0.0.1:${port}/postgres`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

describe('a lost connection', { skip: NO_POSTGRES }, () => {
  let server: PostgresServer;
  let proxy: CuttingProxy;
  let db: PostgresDatabase;
  before(async () => {
    server = await PostgresServer.start();
    proxy = await CuttingProxy.start(`${server.folder}/.s.PGSQL.5432`);
    db = await PostgresDatabase.open({ url: proxy.url });
    await db.migrate('test', [{ id: '001', sql: 'CREATE TABLE kept (n INTEGER PRIMARY KEY)' }]);
  });
  after(async () => {
    await db.close();
    await proxy.stop();
    await server.remove();
  });

  const isStored = async (n: number): Promise<boolean> =>
    (await db.execute('SELECT 1 FROM kept WHERE n = ?', [n])).rows.length === 1;

  test('during a commit leaves no doubt: the write is acknowledged exactly if it is stored', async () => {
    const outcomes = { refused: 0, storedWithoutCut: 0, storedAlthoughCut: 0 };
    let n = 0;
    for (let round = 0; round < 24; round += 1)
      for (const way of ['write', 'transaction'] as const) {
        n += 1;
        const number = n;
        let at = round >> 1;
        let isCut = false;
        proxy.onMessage = () => {
          at -= 1;
          if (at !== 0) return undefined;
          proxy.onMessage = () => undefined;
          isCut = true;
          return round % 2 === 0 ? 'before' : 'after';
        };
        const insert = 'INSERT INTO kept VALUES (?)';
        const writing =
          way === 'write'
            ? db.execute(insert, [number])
            : db.transaction((tx) => tx.execute(insert, [number]));
        const error = await writing.then(
          () => undefined,
          (reason: unknown) => reason,
        );
        proxy.onMessage = () => undefined;
        if (error !== undefined)
          assert.ok(error instanceof DatabaseUnreachableError, `round ${round}, ${way}: ${String(error)}`);
        assert.equal(
          await untilAnswered(() => isStored(number)),
          error === undefined,
          `round ${round}, ${way}`,
        );
        if (error !== undefined) outcomes.refused += 1;
        else if (isCut) outcomes.storedAlthoughCut += 1;
        else outcomes.storedWithoutCut += 1;
      }
    assert.ok(
      Object.values(outcomes).every((count) => count > 0),
      JSON.stringify(outcomes),
    );
  });

  test('ends its transaction, whose later statements run on no other connection', async () => {
    const tx = await db.begin();
    await tx.execute('INSERT INTO kept VALUES (2001)');
    proxy.onMessage = () => {
      proxy.onMessage = () => undefined;
      return 'before';
    };
    await assert.rejects(tx.execute('INSERT INTO kept VALUES (2002)'), DatabaseUnreachableError);
    await assert.rejects(tx.execute('INSERT INTO kept VALUES (2003)'));
    await assert.rejects(tx.commit());
    for (const n of [2_001, 2_002, 2_003]) assert.equal(await isStored(n), false);
  });
});

describe('a server that is down', { skip: NO_POSTGRES }, () => {
  test('refuses every call at once, is named by the state, and is used again once it answers', async (t) => {
    const server = await PostgresServer.start();
    t.after(() => server.remove());
    const db = await PostgresDatabase.open({ url: server.url() });
    t.after(() => db.close());
    await db.migrate('test', [{ id: '001', sql: 'CREATE TABLE kept (n INTEGER PRIMARY KEY)' }]);
    const open = await db.begin();
    await server.halt('SIGQUIT');
    const unreachable = { code: 'AICO_DATA_UNREACHABLE', statusCode: 503 };
    await assert.rejects(open.execute('INSERT INTO kept VALUES (1)'));
    for (const call of [
      () => db.execute('SELECT 1'),
      () => db.execute('INSERT INTO kept VALUES (2)'),
      () => db.transaction((tx) => tx.execute('SELECT 1')),
      () => db.begin(),
      () => db.stream('SELECT 1').next(),
      () => db.check(),
      () => db.status(),
    ])
      await assert.rejects(call, unreachable);
    assert.equal(db.state.kind, 'unreachable');
    await server.resume();
    await untilAnswered(() => db.execute('INSERT INTO kept VALUES (3)'));
    assert.deepEqual(db.state, { kind: 'ready' });
    assert.deepEqual((await db.execute('SELECT n FROM kept')).rows, [{ n: 3 }]);
  });

  test('refuses an opening with the reason', async () => {
    await assert.rejects(PostgresDatabase.open({ url: 'postgres://aico@127.0.0.1:1/aico' }), {
      code: 'AICO_DATA_UNREACHABLE',
    });
    assert.ok(new CommitUnknownError('x').message.includes('unknown'));
  });
});

/** Repeats `work` while the server is unreachable. */
async function untilAnswered<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DatabaseUnreachableError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
