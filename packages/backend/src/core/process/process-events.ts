import { constants } from 'node:os';
import { ExitCode } from '../exit-codes.ts';

/** The part of `process` that is listened to, so that a test can stand in for it. */
export interface ProcessLike {
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
  exit(code: number): void;
}

/** What the events of a process lead to. */
export interface ProcessReactions {
  /** An orderly stop; resolves with the exit code. Does not reject. */
  stop(reason: string): Promise<number>;
  /** One orderly attempt after an error nobody caught. */
  crash(error: unknown, origin: string): Promise<void>;
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * Listens to a process: the first signal stops it in order, the second leaves at once with 128 + n; an uncaught
 * error leads to one orderly attempt and exit code 70, a second one during it leaves at once.
 *
 * @returns a function that stops listening
 */
export function attachToProcess(target: ProcessLike, reactions: ProcessReactions): () => void {
  let stopping = false;
  let crashed = false;

  const onSignal = (signal: (typeof SIGNALS)[number]): void => {
    if (stopping || crashed) {
      target.exit(128 + constants.signals[signal]);
      return;
    }
    stopping = true;
    reactions.stop(signal).then(
      // A crash during the stop decides the code, and leaves by itself.
      (code) => (crashed ? undefined : target.exit(code)),
      (error: unknown) => onCrash('stop')(error),
    );
  };

  const onCrash =
    (origin: string) =>
    (error: unknown): void => {
      if (crashed) {
        target.exit(ExitCode.crash);
        return;
      }
      crashed = true;
      const leave = (): void => target.exit(ExitCode.crash);
      Promise.try(() => reactions.crash(error, origin)).then(leave, leave);
    };

  const listeners: [event: string, listener: (...args: unknown[]) => void][] = [
    ...SIGNALS.map((signal): [string, () => void] => [signal, () => onSignal(signal)]),
    ['uncaughtException', onCrash('uncaughtException')],
    ['unhandledRejection', onCrash('unhandledRejection')],
  ];
  for (const [event, listener] of listeners) target.on(event, listener);
  return () => {
    for (const [event, listener] of listeners) target.off(event, listener);
  };
}
