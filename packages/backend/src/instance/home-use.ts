/**
 * Counts what in this process may have the home's database open. A start or a stop that ran out of time gives up waiting
 * and not the file: the home is another's to take only when nothing has it open any more.
 */
export class HomeUse {
  #open = 0;

  get isIdle(): boolean {
    return this.#open === 0;
  }

  /** @returns the function that ends this use */
  begin(): () => void {
    this.#open += 1;
    let ended = false;
    return () => {
      if (!ended) this.#open -= 1;
      ended = true;
    };
  }
}
