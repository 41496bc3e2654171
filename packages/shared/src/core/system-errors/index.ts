export { type FailedCall, SystemError } from './errors.ts';
export { findFault, hasLittleRoom, LITTLE_ROOM_BYTES } from './find-fault.ts';
export { errnoOf, systemErrorIn } from './translate.ts';
