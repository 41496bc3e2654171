/** Apart from the database's own index, so that only who uses it loads Kysely. */
export type { Generated, Insertable, Kysely, Selectable, Updateable } from 'kysely';
export { kyselyFor } from './kysely-for.ts';
