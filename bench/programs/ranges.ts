/** Length of one ranged read (bytes): long enough that requests don't count, short enough that several lanes end together. */
const RANGE_BYTES = 32 * 1024 * 1024;

/** A range of an object, from `start` up to, not including, `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Cuts an object of `size` bytes into ranges for reads side by side. */
export function ranges(size: number): Range[] {
  return Array.from({ length: Math.ceil(size / RANGE_BYTES) }, (_, index) => ({
    start: index * RANGE_BYTES,
    end: Math.min((index + 1) * RANGE_BYTES, size),
  }));
}
