import { ExitCode } from '@aico/protocol';
import { isHangupIgnored } from './hangup.ts';
import { leaveAtOnce } from './leave.ts';

/** The part of `process` that is listened to, so that a test can stand in for it. */
export interface ProcessLike {
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
  removeAllListeners(event: string): unknown;
  exit(code: number): void;
}

/** The reactions to the events of a process. */
export interface ProcessReactions {
  /** An orderly stop; resolves with the exit code. Does not reject. */
  stop(reason: string): Promise<number>;
  /** Takes an error that concerns one peer's connection alone. Returns whether it did; by default none does. */
  contain?(error: unknown): boolean;
  /** One orderly attempt after an uncaught error. */
  crash(error: unknown, origin: string): Promise<void>;
}

/** Signals that stop the process in order. SIGHUP is among them: its terminal has been closed. */
const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Node opens its inspector at this signal, to every user of the machine, unless there is a listener. */
const INSPECTOR_SIGNAL = 'SIGUSR1';

export interface AttachOptions {
  /** Whether SIGHUP does nothing. Default: as it was when this process was started. */
  readonly ignoresHangup?: boolean;
}

/**
 * Listens to a process. The first signal stops it in order. From then on the system itself answers signals, so that the
 * second ends the process at once (128 + n to a shell) whatever its threads do: all that was acknowledged is durable. An
 * uncaught error leads to one orderly attempt and exit code 70, a second one during it leaves at once.
 *
 * @returns a function that stops listening
 */
export function attachToProcess(
  target: ProcessLike,
  reactions: ProcessReactions,
  { ignoresHangup = isHangupIgnored() }: AttachOptions = {},
): () => void {
  const signals = STOP_SIGNALS.filter((signal) => signal !== 'SIGHUP' || !ignoresHangup);
  const leave = (code: number): void => (target === process ? leaveAtOnce(code) : target.exit(code));
  let crashed = false;

  const onSignal = (signal: NodeJS.Signals): void => {
    handToSystem();
    reactions.stop(signal).then(
      // A crash during the stop decides the code, and leaves by itself.
      (code) => (crashed ? undefined : leave(code)),
      (error: unknown) => onCrash('stop')(error),
    );
  };

  const handToSystem = (): void => {
    // All listeners, also those of other code: with one left Node keeps the signal from the system.
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
    // With no listener Node would end at SIGHUP.
    ...(ignoresHangup ? [['SIGHUP', () => undefined] satisfies [string, () => void]] : []),
    [INSPECTOR_SIGNAL, () => undefined],
    ['uncaughtException', onCrash('uncaughtException')],
    ['unhandledRejection', onCrash('unhandledRejection')],
  ];
  for (const [event, listener] of listeners) target.on(event, listener);
  return () => {
    for (const [event, listener] of listeners) target.off(event, listener);
  };
}
