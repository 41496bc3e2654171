import type Driver from 'better-sqlite3-multiple-ciphers';

/** An open connection of the driver. */
export type Connection = InstanceType<typeof Driver>;
