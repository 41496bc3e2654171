import type { Logger } from '../../core/logging/types.ts';

/** Something to do outside the database once the transaction is durable. */
export type Effect = () => unknown;

/**
 * The effects of one transaction, or of one savepoint in it. An effect belongs to the savepoint in which it was registered:
 * RELEASE moves it to the enclosing one, a rollback drops it, and the commit of the outermost transaction runs the remaining
 * ones.
 */
export class TransactionEffects {
  #effects: Effect[] = [];

  add(effect: Effect): void {
    this.#effects.push(effect);
  }

  /** Gives every effect to the enclosing transaction, after those it has already. */
  handUp(enclosing: TransactionEffects): void {
    enclosing.#effects.push(...this.#effects.splice(0));
  }

  /** Forgets the effects of what was rolled back. */
  drop(): void {
    this.#effects = [];
  }

  /**
   * Runs the effects in the order of their registration. The commit has happened, so an effect that fails is reported and
   * stops neither the other effects nor the caller.
   */
  run(logger: Logger | undefined): void {
    for (const effect of this.#effects.splice(0)) {
      try {
        const outcome = effect();
        if (outcome instanceof Promise) outcome.catch((error: unknown) => report(error, logger));
      } catch (error) {
        report(error, logger);
      }
    }
  }
}

function report(error: unknown, logger: Logger | undefined): void {
  if (logger !== undefined) logger.error('An effect after a commit failed', { error });
  else process.emitWarning(error instanceof Error ? error : String(error));
}
