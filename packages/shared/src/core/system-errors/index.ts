export {
  AccessDeniedError,
  DiskFailedError,
  type FailedCall,
  LocksUnavailableError,
  MachineFilesExhaustedError,
  NoMemoryError,
  NoRoomError,
  NotThereError,
  ProcessFilesExhaustedError,
  QuotaReachedError,
  ReadOnlyFileSystemError,
  SystemError,
  SystemRefusedError,
} from './errors.ts';
export { findFault, hasLittleRoom, LITTLE_ROOM_BYTES } from './find-fault.ts';
export { errnoOf, systemErrorFor, systemErrorIn } from './translate.ts';
