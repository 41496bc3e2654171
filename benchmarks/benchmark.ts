/** The result of a figure: the two sides measured in one run, and whether their ratio meets the target. */
export interface BenchmarkOutcome {
  readonly value: number;
  /** The target as written in the list of targets, such as `<= 2`. */
  readonly target: string;
  readonly ok: boolean;
  /** The sides measured, with their unit and spread. */
  readonly sides: Readonly<Record<string, unknown>>;
}

/** One figure; `args` are the words after its id on the command line. */
export type Benchmark = (args: readonly string[]) => Promise<BenchmarkOutcome>;

/** The median and the extremes of several rounds. */
export function spread(values: readonly number[]): { median: number; min: number; max: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
  return { median, min: at(0), max: at(sorted.length - 1) };
}
