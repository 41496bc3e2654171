import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { createLogging } from '@aico/shared/core/logging';
import { localRequest } from '../testing/local-request.ts';
import { createTestHome } from '../testing/test-home.ts';
import { HttpGateway } from './http-gateway.ts';

const NEVER = new AbortController().signal;

/** A gateway with work that ends at `finish()`, and a route that never does. */
async function startGateway(t: TestContext) {
  const home = await createTestHome();
  const logging = createLogging({ level: 'fatal', console: { enabled: false } });
  const socket = path.join(home.folder, 'api.sock');
  const gateway = new HttpGateway({
    config: { rest: { host: '127.0.0.1', port: 0 }, allowed_hosts: [], max_header_kib: 16, max_body_mib: 1 },
    socketFile: socket,
    readiness: async () => ({ ready: true }),
    logger: logging.getLogger('gateway', 'test'),
  });
  await gateway.start();
  const begun = Promise.withResolvers<void>();
  const work = Promise.withResolvers<string>();
  const unmount = await gateway.mount('work', (app) => {
    app.get('/', { config: { access: 'public' } }, () => {
      begun.resolve();
      return work.promise;
    });
    app.get('/news', { config: { access: 'public', endless: true } }, (_request, reply) => {
      reply.hijack();
      reply.raw.write('news\n');
    });
    app.get('/late', { config: { access: 'public' } }, (_request, reply) => {
      reply.hijack();
      reply.raw.end('done');
      reply.raw.write('more');
    });
  });
  t.after(async () => {
    await gateway.stop();
    await logging.close();
    await home.remove();
  });
  return { gateway, socket, begun: begun.promise, finish: work.resolve, unmount };
}

async function follow(socketPath: string): Promise<IncomingMessage> {
  const asked = request({ socketPath, path: '/api/v1/work/news', agent: false });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return response;
}

test('a draining gateway answers pending requests, and later ones with 503; it does not wait for endless replies', async (t) => {
  const { gateway, socket, begun, finish } = await startGateway(t);
  const news = await follow(socket);
  const flying = localRequest(socket, '/api/v1/work');
  await begun;
  const drained = gateway.drain(NEVER);
  const refused = await localRequest(socket, '/api/v1/work');
  assert.equal(refused.status, 503);
  assert.match(refused.text, /AICO_GATEWAY_STOPPING/);
  assert.deepEqual([refused.headers['retry-after'], refused.headers.connection], ['5', 'close']);
  assert.equal((await localRequest(socket, '/livez')).status, 200);
  finish('done');
  assert.equal((await flying).text, 'done');
  await drained;
  assert.equal(await text(news), 'news\n');
});

test('an endless route is ended when it is removed', async (t) => {
  const { socket, unmount } = await startGateway(t);
  const followed = text(await follow(socket));
  await unmount();
  assert.equal(await followed, 'news\n');
});

test('a draining gateway cuts pending requests at its deadline', async (t) => {
  const { gateway, socket, begun } = await startGateway(t);
  const flying = assert.rejects(localRequest(socket, '/api/v1/work'), { code: 'ECONNRESET' });
  await begun;
  const deadline = new AbortController();
  const drained = gateway.drain(deadline.signal);
  deadline.abort();
  await Promise.all([drained, flying]);
});

test('a route that writes to its reply after its end does not affect other requests', async (t) => {
  const { socket } = await startGateway(t);
  assert.equal((await localRequest(socket, '/api/v1/work/late')).text, 'done');
  assert.equal((await localRequest(socket, '/livez')).status, 200);
});
