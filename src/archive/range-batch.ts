import type { RangeReader } from './range-reader.ts';

/** Bytes from `start` up to, not including, `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Requests that are open at a time: one to S3 takes tens of ms, whatever it brings. */
const CONCURRENCY = 8;

/** Ranges with no more than this between them become one request: 64 KiB cost less than its latency. */
const MAX_GAP_BYTES = 64 * 1024;

/** No request grows larger than this, unless one range is: bounds what is held in memory. */
const MAX_REQUEST_BYTES = 1024 * 1024;

interface Request {
  start: number;
  end: number;
  /** Indexes of the ranges that it brings. */
  readonly members: number[];
}

/**
 * Reads many small ranges in few requests: neighbours are read together, requests side by side, and
 * none is made for an empty range. The result has the bytes in the order of the ranges. Rejects with
 * the first error of the reader.
 */
export async function readRanges(
  reader: RangeReader,
  ranges: readonly ByteRange[],
): Promise<readonly Buffer[]> {
  const results = new Array<Buffer>(ranges.length).fill(Buffer.alloc(0));
  // A generator, because an error that leaves one lane's loop closes it for the others, too.
  const queue = joinNeighbours(ranges);
  async function lane(): Promise<void> {
    for (const { start, end, members } of queue) {
      const bytes = await reader.read(start, end);
      for (const index of members) {
        const range = ranges[index] as ByteRange;
        results[index] = bytes.subarray(range.start - start, range.end - start);
      }
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, lane));
  return results;
}

function* joinNeighbours(ranges: readonly ByteRange[]): Generator<Request> {
  const inOrder = ranges
    .map(({ start, end }, index) => ({ start, end, index }))
    .filter(({ start, end }) => start < end)
    .sort((a, b) => a.start - b.start);
  let open: Request | undefined;
  for (const { start, end, index } of inOrder) {
    if (
      open !== undefined &&
      start - open.end <= MAX_GAP_BYTES &&
      end - open.start <= MAX_REQUEST_BYTES
    ) {
      open.end = Math.max(open.end, end);
      open.members.push(index);
    } else {
      if (open !== undefined) yield open;
      open = { start, end, members: [index] };
    }
  }
  if (open !== undefined) yield open;
}
