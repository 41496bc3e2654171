/** A condition that the operating system reports under one or several error names. */
export interface SystemCondition {
  readonly code: string;
  readonly errnos: readonly string[];
  /** A description of the condition without file names, which may be sent to a peer. */
  readonly condition: string;
  readonly hint: string;
  /** The HTTP status of a reply; `undefined` where only the caller knows what the condition means. */
  readonly replyStatus: 503 | 507 | undefined;
}

/** The conditions that have a sentence of their own. */
export const CONDITIONS: readonly SystemCondition[] = [
  /** The disk has no room left (ENOSPC). */
  {
    code: 'AICO_SYSTEM_NO_ROOM',
    errnos: ['ENOSPC', 'EFBIG'],
    condition: 'the disk is full',
    hint: 'Make room on the disk, and try again. What was stored before is still there.',
    replyStatus: 507,
  },
  /** The disk quota of this user is used up (EDQUOT). */
  {
    code: 'AICO_SYSTEM_QUOTA',
    errnos: ['EDQUOT'],
    condition: "this user's disk quota is used up",
    hint: "Make room in this user's files or have the quota raised, and try again. What was stored before is still there.",
    replyStatus: 507,
  },
  /** The file system is mounted read-only (EROFS); some systems remount a failing disk this way. */
  {
    code: 'AICO_SYSTEM_READ_ONLY',
    errnos: ['EROFS'],
    condition: 'the file system is mounted read-only',
    hint: "Read the system's log for the reason (dmesg): a failing disk is remounted read-only. Then mount it writable, and try again.",
    replyStatus: 503,
  },
  /** This user may not do that to the file or folder (EACCES, EPERM). */
  {
    code: 'AICO_SYSTEM_DENIED',
    errnos: ['EACCES', 'EPERM'],
    condition: 'this user has no right to do that',
    hint: 'Look at the owner and mode of the file and its folder (ls -l); files that a command left as root are given back with chown.',
    replyStatus: 503,
  },
  /** This process has as many files open as it may (EMFILE). */
  {
    code: 'AICO_SYSTEM_PROCESS_FILES',
    errnos: ['EMFILE'],
    condition: 'this process has as many files and sockets open as it may',
    hint: 'Raise the limit of open files (ulimit -n, or LimitNOFILE of the service), and try again.',
    replyStatus: 503,
  },
  /** The whole machine has as many files open as it can (ENFILE). */
  {
    code: 'AICO_SYSTEM_MACHINE_FILES',
    errnos: ['ENFILE'],
    condition: 'the whole machine has as many files open as it can',
    hint: 'End programs that hold many files, or raise fs.file-max, and try again.',
    replyStatus: 503,
  },
  /** The disk or the connection to it reported an error (EIO). */
  {
    code: 'AICO_SYSTEM_DISK_FAILED',
    errnos: ['EIO', 'ENXIO', 'ENODEV', 'ESTALE'],
    condition: 'the disk reported an error',
    hint: "Read the system's log (dmesg) and check the disk. Copy the home to another disk before anything else.",
    replyStatus: 503,
  },
  /** The file system cannot lock files (ENOLCK), as some network file systems cannot. */
  {
    code: 'AICO_SYSTEM_NO_LOCKS',
    errnos: ['ENOLCK'],
    condition: 'the file system cannot lock files',
    hint: 'Move the home to a local disk (AICO_HOME=/some/folder), or start the lock service of the network file system.',
    replyStatus: 503,
  },
  /** The system has no free memory (ENOMEM). */
  {
    code: 'AICO_SYSTEM_NO_MEMORY',
    errnos: ['ENOMEM'],
    condition: 'the system has no free memory',
    hint: 'End other programs or raise the memory limit of this one, and try again.',
    replyStatus: 503,
  },
  /** The file, or a folder on the way to it, does not exist (ENOENT). */
  {
    code: 'AICO_SYSTEM_NOT_THERE',
    errnos: ['ENOENT'],
    condition: 'the file or a folder on the way to it does not exist',
    hint: 'Check the path. If the disk it lies on is not mounted, mount it.',
    replyStatus: undefined,
  },
  /** A file or folder of this name exists already (EEXIST), and the operation does not replace it. */
  {
    code: 'AICO_SYSTEM_EXISTS',
    errnos: ['EEXIST'],
    condition: 'a file or folder of this name exists already',
    hint: 'Choose another name, or move the existing one away: it is not replaced.',
    replyStatus: undefined,
  },
];

/** The operating system refused a call for a reason without a code of its own; the message quotes the system. */
export const OTHER_CONDITION = {
  code: 'AICO_SYSTEM_REFUSED',
  hint: 'Correct what the message names, and try again.',
} as const;
