import type { ServerResponse } from 'node:http';
import { PROBLEM_MEDIA_TYPE } from '@aico/protocol';
import type { Logger } from '@aico/shared/core/logging';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify, { type FastifyReply, type FastifyRequest, type onRequestHookHandler } from 'fastify';
import type { Access, Principal } from '../core/access.ts';
import type { DeclareRoutes, GatewayApp } from '../core/gateway.ts';
import type { Middleware } from '../core/middleware.ts';
import { PeerGuard } from '../core/peer-guard.ts';
import { answerRefusals, authorise, identify } from './authorisation.ts';
import { boundBodies } from './bounded-bodies.ts';
import { IdempotencyUnsupportedError, RequestInvalidError } from './errors.ts';
import { installJsonBody } from './json-body.ts';
import { methodsAt } from './methods.ts';
import { installMiddleware } from './middleware/install.ts';
import { lastErrorHandler, methodNotAllowed, notFound, problemHandler, problemOf } from './problems.ts';
import { answerProblem } from './raw-reply.ts';
import { requestIdOf } from './request-id.ts';
import { installTracing, inWorkOf } from './tracing.ts';
import { UploadBudget } from './upload-budget.ts';
import { compileValidator } from './validation.ts';
import { installWebSockets } from './web-socket.ts';

interface AppOptions {
  readonly prefix: string;
  readonly declare: DeclareRoutes;
  readonly logger: Logger;
  /** Default: a new guard. */
  readonly guard?: PeerGuard;
  readonly bodyLimitBytes: number;
  /** Default: two of the largest bodies per sender, four in all. */
  readonly uploads?: UploadBudget;
  /** Called before routes are declared, to collect them. */
  readonly collect?: ((app: GatewayApp) => void) | undefined;
  /** Returns the sender of a request. */
  readonly principalOf: (request: FastifyRequest) => Principal;
  /** The access of routes that declare none. */
  readonly access?: Access | undefined;
  /** The plugin whose routes these are. */
  readonly plugin?: string | undefined;
  /** Called for each endless reply, with the function that ends it where that is not the end of its response. */
  readonly onEndless?: (response: ServerResponse, end?: () => void) => void;
  /** Returns the middlewares around the routes, outermost first; called at each request. */
  readonly middlewares?: () => readonly Middleware[];
}

/** The longest path parameter that the router accepts, in characters. Routes set their own limits by a schema. */
const MAX_PARAM_LENGTH = 1_024;

/** Methods that a client repeats only with an `Idempotency-Key`. */
const REPEATED_BY_KEY: ReadonlySet<string> = new Set(['POST', 'PATCH']);
const UNSUPPORTED = new IdempotencyUnsupportedError();

const MALFORMED = new RequestInvalidError([{ path: 'querystring', message: 'is not percent-encoded UTF-8' }]);

/**
 * Creates the Fastify instance of a mount: TypeBox schemas, RFC 9457 errors, request ids; ready to route.
 *
 * @throws the errors of `declare`
 */
export async function createApp({
  prefix,
  declare,
  logger,
  guard = new PeerGuard(logger),
  bodyLimitBytes,
  uploads = new UploadBudget({ perSender: 2 * bodyLimitBytes, total: 4 * bodyLimitBytes }),
  middlewares = () => [],
  principalOf,
  access,
  plugin,
  collect,
  onEndless = () => {},
}: AppOptions): Promise<GatewayApp> {
  const root = fastify({
    bodyLimit: bodyLimitBytes,
    genReqId: requestIdOf,
    logger: false,
    schemaController: { compilersFactory: { buildValidator: neverBuilt, buildSerializer: neverBuilt } },
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    frameworkErrors: (error, { id }, { raw }) => answerProblem(raw, problemOf(error, id)),
  });
  root.setErrorHandler(lastErrorHandler(logger));
  const build = async (app: GatewayApp): Promise<void> => {
    boundBodies(app, uploads);
    installJsonBody(app);
    app.setValidatorCompiler(compileValidator);
    // Replies are typed by their schemas at compile time; JSON.stringify keeps every field a handler returns.
    app.setSerializerCompiler(() => JSON.stringify);
    identify(app, principalOf);
    installTracing(app, plugin);
    const answerError = inWorkOf(plugin, installMiddleware(app, middlewares, problemHandler(logger)));
    app.setErrorHandler(answerError);
    app.addHook('onRequest', ({ raw: { url = '' } }, _reply, done) =>
      done(isWellFormed(url) ? undefined : MALFORMED),
    );
    app.setNotFoundHandler(async ({ id, raw: { url = '' } }, reply) => {
      const methods = methodsAt(app, url);
      if (methods.length > 0) reply.code(405).header('allow', methods.join(', '));
      else reply.code(404);
      const problem = methods.length > 0 ? methodNotAllowed(methods, id) : notFound(id);
      return reply.type(PROBLEM_MEDIA_TYPE).send(problem);
    });
    // Routes declared from here on must have an access.
    authorise(app, access);
    app.addHook('onRequest', ({ headers, is404, method, routeOptions }, _reply, done) => {
      const isRemembered = is404 || routeOptions.config.idempotent === true || !REPEATED_BY_KEY.has(method);
      done(isRemembered || headers['idempotency-key'] === undefined ? undefined : UNSUPPORTED);
    });
    answerRefusals(app, answerError);
    collect?.(app);
    const noteEndless: onRequestHookHandler = (_request, { raw }, done) => {
      onEndless(raw);
      done();
    };
    app.decorateReply('endBy', function (this: FastifyReply, end: () => void) {
      onEndless(this.raw, end);
    });
    app.addHook('onRoute', (route) => {
      if (route.config?.endless === true) route.onRequest = [route.onRequest ?? [], noteEndless].flat();
    });
    installWebSockets(app, guard, onEndless);
    await app.register(async (scope) => declare(scope.withTypeProvider<TypeBoxTypeProvider>()), { prefix });
  };
  try {
    await root.register(async (app) => build(app.withTypeProvider<TypeBoxTypeProvider>()));
    await root.ready();
  } catch (error) {
    await root.close();
    throw error;
  }
  return root.withTypeProvider<TypeBoxTypeProvider>();
}

/** Fastify loads compilers of its own, a hundred files, where none is named; every route has those of its mount. */
function neverBuilt(): never {
  throw new TypeError('a route has no compiler for its schemas');
}

/** Whether the escapes of the query string are UTF-8; the router checks those of the path. */
function isWellFormed(url: string): boolean {
  const query = url.indexOf('?');
  if (query === -1 || !url.includes('%', query)) return true;
  try {
    decodeURIComponent(url.slice(query));
    return true;
  } catch {
    return false;
  }
}
