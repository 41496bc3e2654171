export { type Backoff, backoffDelay, isNoteworthy, pause } from './backoff.ts';
export { BoundedCache } from './bounded-cache.ts';
export { ConnectionPool, type ConnectionPoolOptions } from './connection-pool.ts';
export { PoolClosedError, TaskOptionError } from './errors.ts';
export { type MapConcurrentOptions, mapConcurrent } from './map-concurrent.ts';
export {
  type ProgressListener,
  type ProgressWatch,
  reportActivity,
  reportProgress,
  watchProgress,
} from './progress.ts';
export { type RetryOptions, retry } from './retry.ts';
export { sleep } from './sleep.ts';
