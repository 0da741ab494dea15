/**
 * A stream of chunks, read in pieces of known length. Pieces are views of the chunks; only one that
 * lies across a border between chunks, and is wanted whole, is copied.
 */
export class ByteSource {
  readonly #chunks: AsyncIterator<Buffer> | Iterator<Buffer>;
  #chunk: Buffer = Buffer.alloc(0);
  #read = 0;

  constructor(chunks: AsyncIterable<Buffer> | Iterable<Buffer>) {
    this.#chunks =
      Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
  }

  /**
   * The next bytes, `most` or fewer, but one at least. Throws `Error` at the end of the chunks: they
   * are the caller's promise, and its reader's failure is no fact about the archive.
   */
  async piece(most: number): Promise<Buffer> {
    while (this.#chunk.length === 0) {
      const { done, value } = await this.#chunks.next();
      if (done) {
        throw new Error(`The input ended after ${this.#read} bytes, in the middle of an entry`);
      }
      this.#chunk = value;
      this.#read += value.length;
    }
    const piece = this.#chunk.subarray(0, most);
    this.#chunk = this.#chunk.subarray(piece.length);
    return piece;
  }

  /** The next `length` bytes as one buffer: keep it small where the length is not yours. */
  async take(length: number): Promise<Buffer> {
    if (length <= this.#chunk.length) {
      const whole = this.#chunk.subarray(0, length);
      this.#chunk = this.#chunk.subarray(length);
      return whole;
    }
    const joined = Buffer.allocUnsafe(length);
    for (let filled = 0; filled < length; ) {
      filled += (await this.piece(length - filled)).copy(joined, filled);
    }
    return joined;
  }

  /** Tells where the chunks come from that no more are wanted. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
