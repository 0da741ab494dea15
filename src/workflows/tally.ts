/** How many of how many. */
export interface Tally {
  done: number;
  total: number;
}

/** A tally for people. */
export function ofCount({ done, total }: Tally): string {
  return `${grouped(done)} of ${grouped(total)}`;
}

/** A number for people, its digits in groups: `1,000,000`. */
export function grouped(value: number): string {
  return value.toLocaleString('en');
}
