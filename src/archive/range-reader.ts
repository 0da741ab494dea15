/** Random access to bytes that lie elsewhere: an S3 object, a file, a buffer in a test. */
export interface RangeReader {
  /** Size of the whole in bytes. */
  readonly size: number;
  /** The bytes from `start` up to, not including, `end`. Rejects rather than give fewer. */
  read(start: number, end: number): Promise<Buffer>;
}

/** A reader over bytes in memory. */
export function bufferReader(bytes: Buffer): RangeReader {
  return {
    size: bytes.length,
    async read(start, end) {
      if (start < 0 || end > bytes.length || start > end) {
        throw new RangeError(
          `Expected a range within 0 to ${bytes.length}, got ${start} to ${end}`,
        );
      }
      return bytes.subarray(start, end);
    },
  };
}
