interface CampaignOptions {
  /** How many runs; the campaign's own full count when absent. */
  readonly count: number | undefined;
  /** Makes the run repeatable. */
  readonly seed: number;
  readonly report: (line: string) => void;
}

interface CampaignOutcome {
  readonly runs: number;
  readonly failures: number;
  readonly ok: boolean;
  readonly [detail: string]: unknown;
}

/** One campaign of faults or attacks. A test runs it with a short count; `npm run torture` in full. */
export type Campaign = (options: CampaignOptions) => Promise<CampaignOutcome>;
