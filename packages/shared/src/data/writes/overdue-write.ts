import { ownerOf } from '../statements/statement-registry.ts';
import type { EngineThread } from '../threads/engine-thread.ts';
import type { RunningStatement } from '../threads/thread-watch.ts';
import type { OverdueStatement } from '../types.ts';
import { WriterOverdueError } from './errors.ts';

/**
 * Tracks a write that exceeds its time limit. It has the write lock of the file, so no other write can run. After some time the
 * waiting writes are refused, which is safe because they have not begun.
 */
export class OverdueWrite {
  readonly #writer: EngineThread;
  readonly #refuseAfterMs: number;
  #found: (OverdueStatement & { readonly running: RunningStatement; readonly beganAt: number }) | undefined;

  constructor(writer: EngineThread, refuseAfterMs: number) {
    this.#writer = writer;
    this.#refuseAfterMs = refuseAfterMs;
  }

  /** Records an overdue write. @returns whether it was not recorded before */
  note(running: RunningStatement): boolean {
    if (this.statement !== undefined) return false;
    const statement = this.#writer.callOf(running)?.statement;
    this.#found = {
      running,
      beganAt: performance.now() - running.ms,
      owner: statement === undefined ? undefined : ownerOf(statement),
      statement: statement?.shape ?? '',
      since: new Date(Date.now() - running.ms),
    };
    return true;
  }

  get statement(): OverdueStatement | undefined {
    if (this.#found !== undefined && !this.#writer.isRunning(this.#found.running)) this.#found = undefined;
    if (this.#found === undefined) return undefined;
    const { owner, statement, since } = this.#found;
    return { owner, statement, since };
  }

  /** The error for waiting callers, once the write has taken too long. */
  get refusal(): WriterOverdueError | undefined {
    const overdue = this.statement;
    const ms = performance.now() - (this.#found?.beganAt ?? 0);
    if (overdue === undefined || ms < this.#refuseAfterMs) return undefined;
    return new WriterOverdueError(overdue.owner, overdue.statement, ms);
  }
}
