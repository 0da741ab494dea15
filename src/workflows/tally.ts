/** How many of how many. */
export interface Tally {
  done: number;
  total: number;
}

/** A tally for people. */
export function ofCount({ done, total }: Tally): string {
  return `${done.toLocaleString('en')} of ${total.toLocaleString('en')}`;
}
