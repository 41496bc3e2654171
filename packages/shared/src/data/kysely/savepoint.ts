import type { Transaction } from '../types.ts';

/** Makes the nested transaction roll back. */
class RollBack extends Error {}

/** A nested transaction that is ended from outside its callback, as Kysely does. */
export class Savepoint {
  readonly name: string;
  readonly transaction: Transaction;
  readonly #end: PromiseWithResolvers<void>;
  readonly #whole: Promise<void>;

  private constructor(
    name: string,
    transaction: Transaction,
    end: PromiseWithResolvers<void>,
    whole: Promise<void>,
  ) {
    this.name = name;
    this.transaction = transaction;
    this.#end = end;
    this.#whole = whole;
  }

  static async open(name: string, within: Transaction): Promise<Savepoint> {
    const end = Promise.withResolvers<void>();
    const opened = Promise.withResolvers<Transaction>();
    const whole = within.transaction(async (transaction) => {
      opened.resolve(transaction);
      await end.promise;
    });
    whole.catch((error: unknown) => opened.reject(error));
    return new Savepoint(name, await opened.promise, end, whole);
  }

  async release(): Promise<void> {
    this.#end.resolve();
    await this.#whole;
  }

  async rollBack(): Promise<void> {
    this.#end.reject(new RollBack());
    await this.#whole.catch((error: unknown) => {
      if (!(error instanceof RollBack)) throw error;
    });
  }
}
