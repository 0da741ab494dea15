/** Median, and the range that it comes from. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Summarises measured values. Throws `RangeError` where there are none. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const below = sorted[Math.floor((sorted.length - 1) / 2)];
  const above = sorted[Math.ceil((sorted.length - 1) / 2)];
  if (below === undefined || above === undefined) {
    throw new RangeError('Expected at least 1 value, got 0');
  }
  return { median: (below + above) / 2, min: Math.min(...sorted), max: Math.max(...sorted) };
}
