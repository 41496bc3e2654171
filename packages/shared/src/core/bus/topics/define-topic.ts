import { parseTopic } from '@aico/protocol';
import type { TSchema } from 'typebox';
import type { Topic } from '../types.ts';

/**
 * A topic whose payload has a schema: the compiler checks it where it is published, the bus wherever it is
 * published or taken.
 *
 * @throws {TopicInvalidError} when `name` is not a topic
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
