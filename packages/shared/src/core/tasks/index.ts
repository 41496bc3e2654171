export { BoundedCache } from './bounded-cache.ts';
export { PoolClosedError, TaskOptionError } from './errors.ts';
export { KeyedPool } from './keyed-pool.ts';
export { type MapConcurrentOptions, mapConcurrent } from './map-concurrent.ts';
export { type RetryOptions, retry } from './retry.ts';
export { sleep } from './sleep.ts';
