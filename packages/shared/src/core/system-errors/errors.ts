import { AicoError } from '@aico/protocol';

/** The call of the operating system that failed. */
export interface FailedCall {
  /** The system's name for the failure, `ENOSPC` for one. */
  readonly errno: string;
  /** The name of the call, `open` for one, where it is known. */
  readonly syscall: string | undefined;
  /** The file or address the call was about, where it is known. */
  readonly target: string | undefined;
  readonly cause: unknown;
}

/**
 * A failure of the operating system, in words. `condition` says what is wrong without naming a file, so that a peer may
 * be told; the message names the call and the file too.
 */
export abstract class SystemError extends AicoError {
  readonly errno: string;
  readonly target: string | undefined;
  readonly condition: string;

  constructor(code: string, call: FailedCall, text: { readonly condition: string; readonly hint: string }) {
    const what = [call.syscall, call.target].filter((part) => part !== undefined).join(' ');
    const attempt = what === '' ? '' : ` (${call.errno}: ${what})`;
    super(code, `${text.condition}${attempt === '' ? ` (${call.errno})` : attempt}`, {
      hint: text.hint,
      cause: call.cause,
    });
    this.errno = call.errno;
    this.target = call.target;
    this.condition = text.condition;
  }
}

/** The disk has no room left (ENOSPC). */
export class NoRoomError extends SystemError {
  constructor(call: FailedCall) {
    super('AICO_SYSTEM_NO_ROOM', call, {
      condition: 'the disk is full',
      hint: 'Make room on the disk, and try again. What was stored before is still there.',
    });
  }
}

/** This user's share of the disk is used up (EDQUOT). */
export class QuotaReachedError extends SystemError {
  constructor(call: FailedCall) {
    super('AICO_SYSTEM_QUOTA', call, {
      condition: "this user's disk quota is used up",
      hint: "Make room in this user's files or have the quota raised, and try again. What was stored before is still there.",
    });
  }
}

/** The file system was mounted read-only (EROFS); some systems remount a failing disk this way. */
export class ReadOnlyFileSystemError extends SystemError {
  constructor(call: FailedCall) {
    super('AICO_SYSTEM_READ_ONLY', call, {
      condition: 'the file system is mounted read-only',
      hint: "Read the system's log for the reason (dmesg): a failing disk is remounted read-only. Then mount it writable, and try again.",
    });
  }
}

/** This user may not do that to the file or folder (EACCES, EPERM). */
export class AccessDeniedError extends SystemError {
  constructor(call: FailedCall) {
    super('AICO_SYSTEM_DENIED', call, {
      condition: 'this user has no right to do that',
      hint: 'Look at the owner and mode of the file and its folder (ls -l); files that a command left as root are given back with chown.',
    });
  }
}

/** This process has as many files open as it may (EMFILE). */
export class ProcessFilesExhaustedError extends SystemError {
  constructor(call: FailedCall) {
    super('AICO_SYSTEM_PROCESS_FILES', call, {
      condition: 'this process has as many files and sockets open as it may',
      hint: 'Raise the limit of open files (ulimit -n, or LimitNOFILE of the service), and try again.',
    });
  }
}

/** The whole machine has as many files open as it can (ENFILE). */
export class MachineFilesExhaustedError extends SystemError {
  constructor(call: FailedCall) {
    super('AICO_SYSTEM_MACHINE_FILES', call, {
      condition: 'the whole machine has as many files open as it can',
      hint: 'End programs that hold many files, or raise fs.file-max, and try again.',
    });
  }
}

/** The disk or the connection to it reported an error (EIO). */
export class DiskFailedError extends SystemError {
  constructor(call: FailedCall) {
    super('AICO_SYSTEM_DISK_FAILED', call, {
      condition: 'the disk reported an error',
      hint: "Read the system's log (dmesg) and check the disk. Copy the home to another disk before anything else.",
    });
  }
}

/** The file system cannot lock files (ENOLCK), as some network file systems cannot. */
export class LocksUnavailableError extends SystemError {
  constructor(call: FailedCall) {
    super('AICO_SYSTEM_NO_LOCKS', call, {
      condition: 'the file system cannot lock files',
      hint: 'Move the home to a local disk (AICO_HOME=/some/folder), or start the lock service of the network file system.',
    });
  }
}

/** The system has no memory left to give (ENOMEM). */
export class NoMemoryError extends SystemError {
  constructor(call: FailedCall) {
    super('AICO_SYSTEM_NO_MEMORY', call, {
      condition: 'the system has no memory left to give',
      hint: 'End other programs or raise the memory limit of this one, and try again.',
    });
  }
}

/** The file, or a folder on the way to it, is not there (ENOENT). */
export class NotThereError extends SystemError {
  constructor(call: FailedCall) {
    super('AICO_SYSTEM_NOT_THERE', call, {
      condition: 'the file or a folder on the way to it is not there',
      hint: 'Check the path. If the disk it lies on is not mounted, mount it.',
    });
  }
}

/** The operating system refused a call for a reason that has no class of its own; the message has its words. */
export class SystemRefusedError extends SystemError {
  constructor(call: FailedCall, words: string) {
    super('AICO_SYSTEM_REFUSED', call, {
      condition: `the operating system refused: ${words}`,
      hint: 'Mend what the message names, and try again.',
    });
  }
}
