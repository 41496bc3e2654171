import { createHook, executionAsyncId } from 'node:async_hooks';
import { openerHere } from './maker.ts';

/** Resources of Node that stay until they are closed, by the names that `async_hooks` gives them. */
const KINDS: Readonly<Record<string, string>> = {
  Timeout: 'timer',
  TCPSERVERWRAP: 'server',
  TCPWRAP: 'connection',
  PIPESERVERWRAP: 'server on a local socket',
  PIPEWRAP: 'connection to a local socket',
  UDPWRAP: 'UDP socket',
  FSEVENTWRAP: 'file watcher',
  STATWATCHER: 'file watcher',
  FILEHANDLE: 'open file',
  PROCESSWRAP: 'child process',
  WORKER: 'worker thread',
  SIGNALWRAP: 'signal listener',
};

/** Something that is open, and the line that opened it. */
interface OpenResource {
  readonly kind: string;
  readonly maker: string;
}

/** Milliseconds in which closed resources disappear: a socket closes after its last bytes were sent. */
const GRACE_MS = 500;

/**
 * Follows the timers, sockets, files, threads and listeners of the process that code outside of the backend opens. For the time
 * of a check only: each resource that is made costs a stack trace meanwhile.
 */
export class OpenResources implements Disposable {
  readonly #open = new Map<number, OpenResource>();
  /** The makers of all asynchronous work but promises: a server opens its socket after its address was looked up. */
  readonly #makers = new Map<number, string>();
  readonly #hook = createHook({
    init: (id, type) => {
      if (type === 'PROMISE') return;
      const opener = openerHere();
      const maker = opener === 'node' ? this.#makers.get(executionAsyncId()) : opener?.line;
      const kind = KINDS[type];
      if (maker === undefined) return;
      this.#makers.set(id, maker);
      if (kind !== undefined) this.#open.set(id, { kind, maker });
    },
    destroy: (id) => void this.#open.delete(id),
  });
  readonly #listeners = new Map<(...args: unknown[]) => void, OpenResource>();

  constructor() {
    this.#hook.enable();
    process.on('removeListener', this.#forgetListener);
    process.on('newListener', this.#noteListener);
  }

  /** The resources that are open after a grace period, in which closed ones disappear. */
  async left(): Promise<readonly OpenResource[]> {
    const endsAt = performance.now() + GRACE_MS;
    do await new Promise((resolve) => setImmediate(resolve));
    while (this.#open.size > 0 && performance.now() < endsAt);
    return [...this.#open.values(), ...this.#listeners.values()];
  }

  [Symbol.dispose](): void {
    this.#hook.disable();
    process.off('newListener', this.#noteListener);
    process.off('removeListener', this.#forgetListener);
  }

  readonly #noteListener = (event: string | symbol, listener: (...args: unknown[]) => void): void => {
    const opener = openerHere();
    if (typeof opener !== 'object') return;
    const kind = `listener of the process for "${String(event)}"`;
    this.#listeners.set(listener, { kind, maker: opener.line });
  };

  readonly #forgetListener = (_event: string | symbol, listener: (...args: unknown[]) => void): void =>
    void this.#listeners.delete(listener);
}
