import { eventStream, type GatewayApp, listOf, NO_CONTENT } from '@aico/backend/plugin';
import { type Static, Type } from 'typebox';

const Note = Type.Object({ id: Type.Integer(), text: Type.String() });
type Note = Static<typeof Note>;
const Notes = Type.Object({ notes: listOf(Note) });
const READ = { access: 'notes:read' } as const;

export function declareNotes(app: GatewayApp, notes: Map<number, Note>): void {
  app.get('/', { config: READ, schema: { response: { 200: Notes } } }, () => ({
    notes: [...notes.values()],
  }));
  app.delete(
    '/:id',
    {
      config: { access: 'notes:write' },
      schema: { params: Type.Object({ id: Type.Integer() }), response: NO_CONTENT },
    },
    ({ params }, reply) => {
      notes.delete(params.id);
      reply.code(204).send(null);
    },
  );
  const changes = eventStream('`note`: one that is new.');
  app.get(
    '/changes',
    { config: { ...READ, endless: true }, schema: { response: changes } },
    async (_request, reply) =>
      reply.type('text/event-stream').send(ReadableStream.from(['event: note\ndata: {}\n\n'])),
  );
}
