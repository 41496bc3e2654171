export {
  type Backoff,
  backoffCeiling,
  backoffDelay,
  type Clock,
  pause,
  sleep,
  systemClock,
  TokenBucket,
  type TokenBucketOptions,
} from '@aico/protocol/timing';
export { BoundedCache } from './bounded-cache.ts';
export { ConnectionPool, type ConnectionPoolOptions } from './connection-pool.ts';
export { PoolClosedError, TaskOptionError } from './errors.ts';
export { type MapConcurrentOptions, mapConcurrent } from './map-concurrent.ts';
export { createMutex, type Mutex } from './mutex.ts';
export { isNoteworthy } from './noteworthy.ts';
export {
  type ProgressListener,
  type ProgressWatch,
  reportActivity,
  reportProgress,
  watchProgress,
} from './progress.ts';
export { type RetryOptions, retry } from './retry.ts';
