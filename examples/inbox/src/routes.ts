import { contentOf, type GatewayApp, Type } from '@aico/backend/plugin';
import { BatchTooLargeError, FramesBrokenError } from './errors.ts';
import { splitFrames } from './frames.ts';
import type { Importer } from './importer.ts';
import type { MailStore } from './mail-store.ts';
import { Found, Imported, MailDetail, Page, Stats } from './replies.ts';

const Limit = Type.Integer({ minimum: 1, maximum: 500, default: 50 });
const Id = Type.Integer({ minimum: 1 });

const READ = { access: 'inbox:read' } as const;
const WRITE = { access: 'inbox:import' } as const;

/** Most messages an import may bring at once. */
export const LARGEST_BATCH = 1_000;

/** Bytes that a body may have beyond one message of the largest size, for many small messages and their lengths. */
const BODY_SLACK_BYTES = 8 * 1_048_576;

/** `/api/v1/inbox/…` */
export function declareRoutes(app: GatewayApp, store: MailStore, importer: Importer, maxBytes: number): void {
  app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );

  app.post(
    '/import',
    { config: WRITE, schema: { response: { 200: Imported } }, bodyLimit: maxBytes + BODY_SLACK_BYTES },
    async ({ body }) => {
      if (!Buffer.isBuffer(body)) throw new FramesBrokenError();
      const messages = splitFrames(body);
      if (messages.length > LARGEST_BATCH) throw new BatchTooLargeError(messages.length, LARGEST_BATCH);
      return { results: await importer.import(messages) };
    },
  );

  const listQuery = Type.Object({ limit: Limit, before: Type.Optional(Id) });
  app.get(
    '/messages',
    { config: READ, schema: { querystring: listQuery, response: { 200: Page } } },
    async ({ query }) => {
      const messages = await store.list(query.limit, query.before);
      // A page that is not full is the last one.
      const next = messages.length < query.limit ? undefined : messages.at(-1)?.id;
      return { messages, ...(next === undefined ? {} : { next }) };
    },
  );

  const params = Type.Object({ id: Id });
  app.get(
    '/messages/:id',
    { config: READ, schema: { params, response: { 200: MailDetail } } },
    ({ params: { id } }) => store.read(id),
  );
  const raw = contentOf('message/rfc822', 'The bytes as they came.');
  app.get(
    '/messages/:id/raw',
    { config: READ, schema: { params, response: raw } },
    async ({ params: { id } }, reply) => reply.type('message/rfc822').send(Buffer.from(await store.raw(id))),
  );

  const searchQuery = Type.Object({
    q: Type.String({ minLength: 1, maxLength: 1_000 }),
    limit: Limit,
    syntax: Type.Optional(Type.Literal('fts5')),
  });
  app.get(
    '/search',
    { config: READ, schema: { querystring: searchQuery, response: { 200: Found } } },
    async ({ query: { q, limit, syntax } }) => ({
      messages: await store.search(q, limit, syntax === 'fts5'),
    }),
  );

  app.get('/stats', { config: READ, schema: { response: { 200: Stats } } }, async () => ({
    ...(await store.count()),
    maxMessageBytes: maxBytes,
    maxBatch: LARGEST_BATCH,
  }));
}
