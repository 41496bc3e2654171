export { type Backoff, backoffCeiling, backoffDelay } from './backoff.ts';
export { type Clock, systemClock } from './clock.ts';
export { momentOf } from './moment.ts';
export { pause, sleep } from './pause.ts';
export { TokenBucket, type TokenBucketOptions } from './token-bucket.ts';
