/** A separate export, so that only its users load the driver. */

export { readServerUrl } from './connection-url.ts';
export { PostgresDatabase } from './postgres-database.ts';
export type { PostgresDatabaseOptions } from './postgres-options.ts';
