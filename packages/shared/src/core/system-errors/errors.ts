import { getSystemErrorMap } from 'node:util';
import { AicoError, ExitCode } from '@aico/protocol';
import { CONDITIONS, OTHER_CONDITION, type SystemCondition } from './conditions.ts';

/** The call of the operating system that failed. */
export interface FailedCall {
  /** The system's name for the failure, such as `ENOSPC`. */
  readonly errno: string;
  /** The name of the call, such as `open`, where it is known. */
  readonly syscall: string | undefined;
  /** The file or address of the call, where it is known. */
  readonly target: string | undefined;
  readonly cause: unknown;
}

const BY_ERRNO: ReadonlyMap<string, SystemCondition> = new Map(
  CONDITIONS.flatMap((condition) => condition.errnos.map((errno) => [errno, condition] as const)),
);

/** A failure of the operating system. The message names the call and the file; `condition` names neither. */
export class SystemError extends AicoError {
  readonly exitCode = ExitCode.system;
  readonly errno: string;
  readonly target: string | undefined;
  readonly condition: string;
  readonly replyStatus: SystemCondition['replyStatus'];

  constructor({ errno, syscall, target, cause }: FailedCall) {
    const { code, condition, hint, replyStatus } = BY_ERRNO.get(errno) ?? otherCondition(errno);
    const call = [syscall, target].filter((part) => part !== undefined).join(' ');
    super(code, `${condition} (${errno}${call === '' ? '' : `: ${call}`})`, { hint, cause });
    this.errno = errno;
    this.target = target;
    this.condition = condition;
    this.replyStatus = replyStatus;
  }
}

function otherCondition(errno: string): SystemCondition {
  let words = errno;
  for (const [name, description] of getSystemErrorMap().values()) if (name === errno) words = description;
  const condition = `the operating system refused: ${words}`;
  return { ...OTHER_CONDITION, errnos: [errno], condition, replyStatus: undefined };
}
