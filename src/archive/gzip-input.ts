import { ArchiveError } from './errors.ts';

/** The bytes of a gzip stream, cut anywhere, read with a look ahead. */
export class GzipInput {
  readonly #chunks: AsyncIterator<Buffer>;
  /** What has been read and not been skipped. */
  #bytes: Buffer = Buffer.alloc(0);
  #offset: number;
  #isOver = false;

  /** `offset` is that of the first byte of `chunks` in the stream. */
  constructor(chunks: AsyncIterable<Buffer>, offset: number) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#offset = offset;
  }

  /** Offset in the stream of the next byte. */
  get offset(): number {
    return this.#offset;
  }

  /**
   * The next bytes, `least` or more of them, but fewer where the input ends before. They stay next
   * until they are skipped. Copies only what lies across a border between chunks.
   */
  async atLeast(least: number): Promise<Buffer> {
    const parts = [this.#bytes];
    for (let length = this.#bytes.length; length < least && !this.#isOver; ) {
      const chunk = await this.#next();
      parts.push(chunk);
      length += chunk.length;
    }
    const filled = parts.filter(({ length }) => length > 0);
    this.#bytes = filled.length === 1 ? (filled[0] as Buffer) : Buffer.concat(filled);
    return this.#bytes;
  }

  /** The next byte or more. Throws `ArchiveError` where the input ends here. */
  async some(): Promise<Buffer> {
    const bytes = this.#bytes.length > 0 ? this.#bytes : await this.atLeast(1);
    if (bytes.length === 0) throw this.#truncated();
    return bytes;
  }

  /** The next `length` bytes, which are skipped. Throws `ArchiveError` where the input ends before. */
  async take(length: number): Promise<Buffer> {
    const bytes = await this.atLeast(length);
    if (bytes.length < length) throw this.#truncated();
    this.skip(length);
    return bytes.subarray(0, length);
  }

  /** Goes on behind the next `length` bytes, which have been read. */
  skip(length: number): void {
    this.#bytes = this.#bytes.subarray(length);
    this.#offset += length;
  }

  /** Tells where the chunks come from that no more are wanted. */
  async close(): Promise<void> {
    if (!this.#isOver) await this.#chunks.return?.();
  }

  async #next(): Promise<Buffer> {
    // An iterator that throws is over as well as one that ends.
    this.#isOver = true;
    const { done, value } = await this.#chunks.next();
    if (done) return Buffer.alloc(0);
    this.#isOver = false;
    return value;
  }

  #truncated(): ArchiveError {
    const end = this.#offset + this.#bytes.length;
    return new ArchiveError(`The gzip stream is truncated: it ends after ${end} bytes`);
  }
}
