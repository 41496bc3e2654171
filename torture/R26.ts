/** R26: hostile text through every field that the page of `aico ui` shows, in a browser. */
import { attackPage } from '../packages/cli/test/fixtures/hostile-page.ts';
import type { Campaign } from './campaign.ts';

const FULL = 5_000;

export const campaign: Campaign = async ({ count = FULL, seed, report }) => {
  const found = await attackPage({ count, seed, report });
  for (const each of found.slice(0, 20)) report(each);
  return { runs: count, failures: found.length, ok: found.length === 0 };
};
