/** A separate export, so that only its users load Kysely. */
export type { Generated, Insertable, Kysely, Selectable, Updateable } from 'kysely';
export { kyselyFor } from './kysely-for.ts';
