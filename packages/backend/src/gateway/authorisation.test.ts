import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createLogging } from '@aico/shared/core/logging';
import type { FastifyReply } from 'fastify';
import { ANONYMOUS, OWNER, type Principal, permits } from '../core/access.ts';
import type { DeclareRoutes, MountOptions } from '../core/gateway.ts';
import { createApp } from './app.ts';

const logger = createLogging({ console: { enabled: false } }).getLogger('test', 'gateway');

function deviceWith(...grants: string[]): Principal {
  return { kind: 'device', id: '1', name: 'phone', may: (access) => permits(grants, access) };
}

function appFor(principal: Principal, declare: DeclareRoutes, { access }: MountOptions = {}) {
  return createApp({
    prefix: '/t',
    logger,
    bodyLimitBytes: 1_000,
    declare,
    access,
    principalOf: () => principal,
  });
}

describe('access to routes', () => {
  test('a route without a valid access cannot be declared', async () => {
    const silent = appFor(OWNER, (app) => void app.get('/', () => 'here'));
    await assert.rejects(silent, { code: 'AICO_GATEWAY_ROUTE_ACCESS' });
    const declare: DeclareRoutes = (app) => void app.get('/', { config: { access: 'any:' } }, () => 'here');
    await assert.rejects(appFor(OWNER, declare), { code: 'AICO_GATEWAY_ROUTE_ACCESS' });
  });

  test('the handler is reached by callers with the capability, and by no others', async () => {
    const reached: string[] = [];
    const declare: DeclareRoutes = (app) => {
      app.get('/open', { config: { access: 'public' } }, ({ principal }) => reached.push(principal.name));
      app.post('/shut', { config: { access: 'safe:open' } }, ({ principal }) => reached.push(principal.name));
    };
    const phone = deviceWith('safe:look');
    const statuses = async (principal: Principal) => {
      const app = await appFor(principal, declare);
      const open = await app.inject('/t/open');
      const shut = await app.inject({ method: 'POST', url: '/t/shut', payload: { a: 'body' } });
      return [open.statusCode, shut.statusCode];
    };
    assert.deepEqual(await statuses(OWNER), [200, 200]);
    assert.deepEqual(await statuses(phone), [200, 403]);
    assert.deepEqual(await statuses(ANONYMOUS), [403, 403]);
    assert.deepEqual(reached, ['owner', 'owner', 'phone']);
  });

  test('a mount can set the access of routes without one, and all of them have it', async () => {
    const declare: DeclareRoutes = (app) => {
      app.get('/plain', () => 'here');
      app.get('/own', { config: { access: 'public' } }, () => 'here');
    };
    const app = await appFor(deviceWith(), declare, { access: 'safe:open' });
    assert.equal((await app.inject('/t/plain')).statusCode, 403);
    assert.equal((await app.inject({ method: 'HEAD', url: '/t/plain' })).statusCode, 403);
    assert.equal((await app.inject('/t/own')).statusCode, 200);
    assert.equal((await app.inject('/t/nowhere')).statusCode, 404);
  });

  test('a not-found handler is refused, or has the access of its mount', async () => {
    const declare: DeclareRoutes = (app) => {
      app.setNotFoundHandler((_request, reply) => reply.send('the diary'));
    };
    await assert.rejects(appFor(OWNER, declare), { code: 'AICO_GATEWAY_NOT_FOUND_ACCESS' });
    const nested: DeclareRoutes = async (app) => void (await app.register(async (scope) => declare(scope)));
    await assert.rejects(appFor(OWNER, nested), { code: 'AICO_GATEWAY_NOT_FOUND_ACCESS' });
    const statusFor = async (principal: Principal) =>
      (await (await appFor(principal, declare, { access: 'diary:read' })).inject('/t/nowhere')).statusCode;
    assert.deepEqual([await statusFor(deviceWith()), await statusFor(deviceWith('diary:read'))], [403, 200]);
  });

  test('a hook that removes the access of a route is detected at the start', async () => {
    const emptied: DeclareRoutes = (app) => {
      app.addHook('onRoute', (route) => {
        route.config = {};
      });
      app.get('/', { config: { access: 'diary:read' } }, () => 'the diary');
    };
    await assert.rejects(appFor(OWNER, emptied), { code: 'AICO_GATEWAY_ROUTE_ACCESS' });
    const opened: DeclareRoutes = (app) => {
      app.addHook('onRoute', (route) => {
        route.config = { ...route.config, access: 'public' };
      });
      app.get('/', { config: { access: 'diary:read' } }, () => 'the diary');
    };
    await assert.rejects(appFor(OWNER, opened), { code: 'AICO_GATEWAY_ROUTE_ACCESS' });
  });

  test('an error handler of a mount does not answer refusals', async () => {
    const app = await appFor(deviceWith(), (scope) => {
      scope.setErrorHandler((_error, _request, reply) => reply.code(200).send('the diary'));
      scope.get('/', { config: { access: 'diary:read' } }, () => 'the diary');
      scope.get('/broken', { config: { access: 'public' } }, () => {
        throw new Error('of the route');
      });
    });
    const refused = await app.inject('/t/');
    assert.equal(refused.statusCode, 403);
    assert.match(refused.body, /AICO_GATEWAY_CAPABILITY/);
    assert.equal((await app.inject('/t/broken')).body, 'the diary');
  });

  test('an error handler of a single route does not answer refusals either', async () => {
    const errorHandler = (_error: unknown, _request: unknown, reply: FastifyReply) =>
      reply.code(200).send('the diary');
    const app = await appFor(deviceWith(), (scope) => {
      scope.get('/', { config: { access: 'diary:read' }, errorHandler }, () => 'the diary');
      scope.get('/broken', { config: { access: 'public' }, errorHandler }, () => {
        throw new Error('of the route');
      });
    });
    const refused = await app.inject('/t/');
    assert.equal(refused.statusCode, 403);
    assert.match(refused.body, /AICO_GATEWAY_CAPABILITY/);
    assert.equal((await app.inject({ method: 'HEAD', url: '/t/' })).statusCode, 403);
    assert.equal((await app.inject('/t/broken')).body, 'the diary');
  });
});
