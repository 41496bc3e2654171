import { ExitCode } from '@aico/protocol';
import { type ExitCall, watchExits } from './exit-watch.ts';
import { isHangupIgnored } from './hangup.ts';
import { endAtOnce, leaveAtOnce } from './leave.ts';

/** The members of `process` that are used, so that a test can replace it. */
export interface ProcessLike {
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
  removeAllListeners(event: string): unknown;
  listenerCount(event: string): number;
  exit(code: number): void;
}

/** The reactions to the events of a process. */
interface ProcessReactions {
  /** Stops in order; resolves with the exit code. Does not reject. */
  stop(reason: string): Promise<number>;
  /** Handles an error that concerns one peer's connection only. Returns whether it did; by default it does not. */
  contain?(error: unknown): boolean;
  /** One orderly attempt after an uncaught error. */
  crash(error: unknown, origin: string): Promise<void>;
  /** Records that code of the process ends it, which follows at once. */
  noteExit(exit: ExitCall): void;
}

/** Signals that stop the process in order. SIGHUP means that its terminal has been closed. */
const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Unless there is a listener, Node opens its inspector at this signal, to every user of the machine. */
const INSPECTOR_SIGNAL = 'SIGUSR1';

export interface AttachOptions {
  /** Whether SIGHUP is ignored. Default: as inherited by this process. */
  readonly ignoresHangup?: boolean;
}

/**
 * Listens to the events of a process. The first signal stops it in order. From then on the system itself handles signals, so
 * that the second ends the process at once (128 + n to a shell), whatever its threads do: all acknowledged data is durable. An
 * uncaught error leads to one orderly attempt and exit code 70; a second one during that exits at once. Code that ends the process
 * itself, as by `process.exit`, is noted before.
 *
 * @returns a function that stops listening
 */
export function attachToProcess(
  target: ProcessLike,
  reactions: ProcessReactions,
  { ignoresHangup = isHangupIgnored() }: AttachOptions = {},
): () => void {
  const signals = STOP_SIGNALS.filter((signal) => signal !== 'SIGHUP' || !ignoresHangup);
  const onExit = (exit: ExitCall): void => {
    reactions.noteExit(exit);
    if (exit.code === undefined || target !== process) return;
    unwatch();
    endAtOnce(exit.code);
  };
  const isStop = (signal: string): boolean => signals.some((each) => each === signal);
  const unwatch = watchExits(target, onExit, (signal) => target.listenerCount(signal) > 0 && !isStop(signal));
  const leave = (code: number): void => {
    unwatch();
    if (target === process) leaveAtOnce(code);
    else target.exit(code);
  };
  let crashed = false;

  const onSignal = (signal: NodeJS.Signals): void => {
    handToSystem();
    reactions.stop(signal).then(
      // A crash during the stop decides the exit code, and exits by itself.
      (code) => (crashed ? undefined : leave(code)),
      (error: unknown) => onCrash('stop')(error),
    );
  };

  const handToSystem = (): void => {
    // Removes listeners of other code too: with one left, Node does not return the signal to the system.
    for (const signal of signals) target.removeAllListeners(signal);
  };

  const onCrash =
    (origin: string) =>
    (error: unknown): void => {
      if (reactions.contain?.(error) === true) return;
      if (crashed) {
        leave(ExitCode.crash);
        return;
      }
      crashed = true;
      handToSystem();
      const end = (): void => leave(ExitCode.crash);
      Promise.try(() => reactions.crash(error, origin)).then(end, end);
    };

  const listeners: [event: string, listener: (...args: unknown[]) => void][] = [
    ...signals.map((signal): [string, () => void] => [signal, () => onSignal(signal)]),
    // Without a listener Node would end at SIGHUP.
    ...(ignoresHangup ? [['SIGHUP', () => undefined] satisfies [string, () => void]] : []),
    [INSPECTOR_SIGNAL, () => undefined],
    ['uncaughtException', onCrash('uncaughtException')],
    ['unhandledRejection', onCrash('unhandledRejection')],
  ];
  for (const [event, listener] of listeners) target.on(event, listener);
  return () => {
    unwatch();
    for (const [event, listener] of listeners) target.off(event, listener);
  };
}
