import { defineTopic, type Static, Type } from '@aico/backend/plugin';

const NoteAdded = Type.Object({ id: Type.Integer(), text: Type.String() });
export type NoteAdded = Static<typeof NoteAdded>;

/** Published for each note, in the transaction that stores it. */
export const noteAdded = defineTopic('sample-plugin.note.added', NoteAdded);
