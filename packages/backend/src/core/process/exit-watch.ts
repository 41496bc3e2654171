import { syncBuiltinESMExports } from 'node:module';
import { constants } from 'node:os';

/** Signals that the system ignores by default. */
const HARMLESS_SIGNALS: ReadonlySet<string> = new Set(['SIGCHLD', 'SIGCONT', 'SIGURG', 'SIGWINCH']);

/** A call by which the code of a process ends it, such as `process.exit(3)`. */
export interface ExitCall {
  readonly call: string;
  /** Its stack leads to the caller. */
  readonly from: Error;
  /** The exit code, if the call has one. */
  readonly code?: number;
}

/**
 * Calls `onExit` before code of the process ends it: by `process.exit`, `abort`, `execve`, or a signal to itself. The original
 * function is called afterwards. Of `process.exit`, the last step is replaced, which follows the listeners of `exit`.
 *
 * @param target `process`, or its stand-in in a test
 * @param survives whether the process has a listener for a signal that keeps it running
 * @returns a function that ends the watch
 */
export function watchExits(
  target: object,
  onExit: (exit: ExitCall) => void,
  survives: (signal: string) => boolean = () => false,
): () => void {
  const restores: (() => void)[] = [];
  const watch = (name: string, exitOf: (...args: unknown[]) => Omit<ExitCall, 'from'> | undefined): void => {
    const original: unknown = Reflect.get(target, name);
    // Windows has no execve.
    if (typeof original !== 'function') return;
    const watched = (...args: unknown[]): unknown => {
      const exit = exitOf(...args);
      if (exit !== undefined) {
        const from = new Error(exit.call);
        Error.captureStackTrace(from, watched);
        onExit({ ...exit, from });
      }
      return Reflect.apply(original, target, args);
    };
    Reflect.set(target, name, watched);
    restores.push(() => {
      if (Reflect.get(target, name) === watched) Reflect.set(target, name, original);
    });
  };
  watch('reallyExit', (code) => ({ call: `process.exit(${String(code)})`, code: Number(code) }));
  watch('abort', () => ({ call: 'process.abort()' }));
  watch('execve', (file) => ({ call: `process.execve(${JSON.stringify(file)})` }));
  watch('kill', (pid, signal = 'SIGTERM') => {
    const name = nameOf(signal);
    if (!isOwn(pid) || name === undefined || HARMLESS_SIGNALS.has(name) || survives(name)) return undefined;
    return { call: `process.kill(${String(pid)}, '${name}')` };
  });
  // For code that imports the functions by name.
  syncBuiltinESMExports();
  return () => {
    for (const restore of restores) restore();
    syncBuiltinESMExports();
  };
}

/** Whether a signal to `pid` reaches this process: by its id, or as one of its group. */
function isOwn(pid: unknown): boolean {
  return [process.pid, -process.pid, 0].includes(Number(pid));
}

/** The name of a signal; `undefined` for 0, which only asks whether a process exists, and for an unknown one. */
function nameOf(signal: unknown): string | undefined {
  return Object.entries(constants.signals).find(
    ([name, number]) => name === signal || number === signal,
  )?.[0];
}
