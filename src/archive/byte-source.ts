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

  /** How many bytes have been taken so far. */
  get taken(): number {
    return this.#read - this.#chunk.length;
  }

  /**
   * The next bytes, `most` or fewer, but one at least. Throws `Error` at the end of the chunks: they
   * are the caller's promise, and its reader's failure is no fact about the archive.
   */
  async piece(most: number): Promise<Buffer> {
    return (await this.pieceUnlessEnded(most)) ?? this.#failEnded();
  }

  /** As `piece`, but undefined at the end of the chunks. */
  async pieceUnlessEnded(most: number): Promise<Buffer | undefined> {
    while (this.#chunk.length === 0) {
      const { done, value } = await this.#chunks.next();
      if (done) return undefined;
      this.#chunk = value;
      this.#read += value.length;
    }
    const piece = this.#chunk.subarray(0, most);
    this.#chunk = this.#chunk.subarray(piece.length);
    return piece;
  }

  /** The next `length` bytes as one buffer: keep it small where the length is not yours. */
  async take(length: number): Promise<Buffer> {
    const taken = await this.takeUpTo(length);
    return taken.length === length ? taken : this.#failEnded();
  }

  /** As `take`, but with fewer bytes where the chunks end before. */
  async takeUpTo(length: number): Promise<Buffer> {
    if (length <= this.#chunk.length) {
      const whole = this.#chunk.subarray(0, length);
      this.#chunk = this.#chunk.subarray(length);
      return whole;
    }
    const joined = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const piece = await this.pieceUnlessEnded(length - filled);
      if (piece === undefined) break;
      filled += piece.copy(joined, filled);
    }
    return joined.subarray(0, filled);
  }

  #failEnded(): never {
    throw new Error(`The input ended after ${this.#read} bytes, in the middle of an entry`);
  }

  /** Tells where the chunks come from that no more are wanted. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
