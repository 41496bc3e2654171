import { distance } from 'fastest-levenshtein';

/** The candidate with the most similar spelling to `name`, if one differs by at most a third of its letters. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.floor(name.length / 3) + 1;
  for (const candidate of candidates) {
    const apart = distance(name, candidate);
    if (apart > 0 && apart < least) [best, least] = [candidate, apart];
  }
  return best;
}

/** `Did you mean "database"? `, or an empty string if no candidate is similar. */
export function suggestion(name: string, candidates: Iterable<string>): string {
  const near = nearest(name, candidates);
  return near === undefined ? '' : `Did you mean "${near}"? `;
}
