export type { Candidacy, LeasedWork, LeaseTimes } from './candidacy.ts';
export { LeaseLostError } from './errors.ts';
export { GuardedDatabase } from './guarded-database.ts';
export type { Lease } from './lease.ts';
export { suspendAwareClock } from './lease-clock.ts';
export type { LeaseRow } from './lease-table.ts';
export { LEASE_TIMES, Leases, type LeasesOptions } from './leases.ts';
