/**
 * Counts the uses of the home's database in this process. A start or a stop that ran out of time stops waiting but may still
 * have the file open: another process may take the home only when nothing has it open any more.
 */
export class HomeUse {
  #open = 0;

  get isIdle(): boolean {
    return this.#open === 0;
  }

  /** @returns a function that ends this use */
  begin(): () => void {
    this.#open += 1;
    let ended = false;
    return () => {
      if (!ended) this.#open -= 1;
      ended = true;
    };
  }
}
