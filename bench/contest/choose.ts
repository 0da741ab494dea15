import type { Competitor } from './competitor.ts';

/** Competitors by their id, in the order in which they take turns; each is made ready only where it takes part. */
export type Competitors<J> = Record<string, () => Promise<Competitor<J>>>;

/**
 * The competitors that are asked for, else those of `usual`. Throws where one is not among those that
 * there are for `what`.
 */
export function choose<J>(
  competitors: Competitors<J>,
  what: string,
  only: readonly string[] | undefined,
  usual: readonly string[],
): Promise<Competitor<J>[]> {
  const known = Object.keys(competitors);
  const unfit = only?.find((id) => !known.includes(id));
  if (unfit !== undefined) {
    throw new Error(`--only: expected some of ${known.join()} for ${what}, got "${unfit}"`);
  }
  const chosen = only ?? usual;
  const makers = Object.entries(competitors).filter(([id]) => chosen.includes(id));
  return Promise.all(makers.map(([, make]) => make()));
}
