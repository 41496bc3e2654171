/** Whether the `count`th failure in a row is logged: the 1st, 2nd, 4th, 8th, …, so that a lasting failure does not fill the log. */
export function isNoteworthy(count: number): boolean {
  return count > 0 && Number.isInteger(Math.log2(count));
}
