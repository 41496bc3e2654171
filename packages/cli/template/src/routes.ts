import { type GatewayApp, listOf, type Services, Type } from '@aico/backend/plugin';
import type { Notes } from './notes.ts';

const NoteReply = Type.Object({
  id: Type.Integer(),
  text: Type.String(),
  words: Type.Union([Type.Integer(), Type.Null()]),
});

export interface RoutesOptions {
  readonly notes: Notes;
  readonly idempotency: Services['idempotency'];
  /** The most characters of a note. */
  readonly longest: number;
}

/** `/api/v1/sample-plugin` */
export function declareRoutes(app: GatewayApp, { notes, idempotency, longest }: RoutesOptions): void {
  const body = Type.Object({ text: Type.String({ minLength: 1, maxLength: longest }) });
  app.post(
    '/',
    {
      config: { access: 'sample-plugin:write', idempotent: true },
      schema: { body, response: { 200: NoteReply } },
    },
    // A request that is repeated with the same Idempotency-Key has the first reply, and stores nothing.
    (request) => idempotency.run(request, (tx) => notes.add(tx, request.body.text)),
  );

  const querystring = Type.Object({
    after: Type.Integer({ minimum: 0, default: 0 }),
    limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 100 }),
  });
  app.get(
    '/',
    {
      config: { access: 'sample-plugin:read' },
      schema: { querystring, response: { 200: Type.Object({ notes: listOf(NoteReply) }) } },
    },
    async ({ query: { after, limit } }) => ({ notes: await notes.list(after, limit) }),
  );
}
