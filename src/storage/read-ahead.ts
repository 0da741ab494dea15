/** What is read, and how far ahead of the reader. */
export interface ReadAheadOptions {
  /** The range in bytes: from `start` up to, not including, `end`. */
  readonly start: number;
  readonly end: number;
  /** Bytes of one read; the last one may be shorter. */
  readonly chunkBytes: number;
  /** Reads under way at once, from 1 up. Those whose bytes the reader has not let go of count, too. */
  readonly lanes: number;
  /** Aborts everything from outside. */
  readonly signal: AbortSignal;
  /** Reads from `start` up to, not including, `end`; rejects rather than give fewer bytes. */
  readonly read: (start: number, end: number, signal: AbortSignal) => Promise<Buffer>;
}

/**
 * The bytes of a range in order, in chunks, while the next ones are being read. Never holds more than
 * `lanes` chunks, the reader's own included: a slow reader is not read ahead of any further. However
 * it ends (last byte, error, abort, the reader's `return()`), the reads that are still under way are
 * aborted first and waited for, so that nothing is left running.
 *
 * A read's failure is thrown when the reader comes to its chunk: the bytes before it are given out.
 */
export async function* readAhead(options: ReadAheadOptions): AsyncGenerator<Buffer> {
  const { end, chunkBytes, lanes, signal, read } = options;
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const ahead: Promise<Buffer>[] = [];
  let next = options.start;
  try {
    for (;;) {
      signal.throwIfAborted();
      for (; ahead.length < lanes && next < end; next += chunkBytes) {
        const chunk = read(next, Math.min(next + chunkBytes, end), either);
        // Its failure is met when its turn comes, which may be after it has happened.
        chunk.catch(() => {});
        ahead.push(chunk);
      }
      const chunk = ahead.shift();
      if (!chunk) return;
      yield await chunk;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    over.abort();
    await Promise.allSettled(ahead);
  }
}
