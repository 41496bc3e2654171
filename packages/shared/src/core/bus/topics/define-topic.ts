import { parseTopic } from '@aico/protocol';
import type { TSchema } from 'typebox';
import type { Topic } from '../types.ts';

/**
 * Defines a topic whose payload has a schema. The compiler checks the types of publishers and handlers; the bus checks each
 * message when it is published and when it is received.
 *
 * @throws {TopicInvalidError} when `name` is malformed
 * @example
 * ```ts
 * const noteCreated = defineTopic('notes.created', Type.Object({ id: Type.String() }));
 * await bus.subscribe(noteCreated, (_topic, note) => console.log(note.id));
 * await bus.publish(noteCreated, { id: '7' });
 * ```
 */
export function defineTopic<S extends TSchema>(name: string, schema: S): Topic<S> {
  parseTopic(name);
  return Object.freeze({ name, schema });
}
