/** Apart from the database's own index, so that only who uses it loads Kysely. */
export { kyselyFor } from './kysely-for.ts';
