/** Bytes of a list that a message carries: with all else in it, it stays below the limits of SQS and Temporal. */
const MAX_LIST_BYTES = 256 * 1024;

/** The first items of a list that is told, as many as a message has room for. */
export function capped<T>(items: readonly T[]): readonly T[] {
  let bytes = 0;
  const end = items.findIndex((item) => {
    bytes += Buffer.byteLength(JSON.stringify(item)) + 1;
    return bytes > MAX_LIST_BYTES;
  });
  return end < 0 ? items : items.slice(0, end);
}
