import { constants, createInflateRaw, type InflateRaw, inflateRawSync } from 'node:zlib';

/** Output comes in chunks of up to this many bytes: three times as fast as zlib's 16 KiB (measured). */
const CHUNK_BYTES = 1024 * 1024;

/**
 * Inflates one raw deflate stream (RFC 1951) in the thread pool, a piece at a time, and tells how far
 * it came. Holds two chunks of output at most beside the one that has been given out.
 */
export class RawInflater {
  readonly #zlib: InflateRaw;
  #hasEnded = false;
  #wake = (): void => {};

  /** `dictionary` is the output before, to which matches may refer: up to 32 KiB. */
  constructor(dictionary: Buffer) {
    this.#zlib = createInflateRaw({ chunkSize: CHUNK_BYTES, dictionary });
    for (const event of ['readable', 'end', 'error']) this.#zlib.on(event, () => this.#wake());
  }

  /** Bytes of the pieces so far that have been inflated, some of them into output that is given next. */
  get used(): number {
    return this.#zlib.bytesWritten;
  }

  /** Whether a byte behind the stream's last block has been seen. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /**
   * Gives the output of the next bytes of the stream, all that they hold; those that do not belong to
   * it are not used. Goes on inflating only as its output is taken. Throws zlib's error where the
   * stream is broken.
   */
  async *inflate(piece: Buffer): AsyncGenerator<Buffer> {
    const zlib = this.#zlib;
    const before = zlib.bytesWritten;
    let isWritten = false;
    // A write that fails is not called back, nor is one that holds more than the stream's end while
    // output waits to be read: the events tell of these.
    zlib.write(piece, () => {
      isWritten = true;
      this.#wake();
    });
    for (;;) {
      const output: Buffer | null = zlib.read();
      if (output !== null) {
        yield output;
      } else if (zlib.errored) {
        throw zlib.errored;
      } else if (isWritten || zlib.readableEnded) {
        this.#hasEnded = zlib.bytesWritten - before < piece.length;
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  /** Frees what zlib holds; the stream can't go on. */
  close(): void {
    this.#zlib.destroy();
  }
}

/** Output, and how many bytes of the input belong to the deflate stream. */
export interface Inflated {
  readonly output: Buffer;
  readonly used: number;
}

/**
 * What the beginning of a raw deflate stream inflates to, in one call that blocks; undefined where the
 * stream is broken and where there are more than `maxOutputBytes`. Only where the stream ends before
 * `bytes` do are not all of them used.
 */
export function inflateAtOnce(
  bytes: Buffer,
  dictionary: Buffer,
  maxOutputBytes: number,
): Inflated | undefined {
  try {
    const { buffer, engine } = inflateRawSync(bytes, {
      dictionary,
      finishFlush: constants.Z_SYNC_FLUSH,
      info: true,
      // zlib takes no limit of 0.
      maxOutputLength: maxOutputBytes + 1,
    }) as unknown as { buffer: Buffer; engine: InflateRaw };
    return { output: buffer, used: engine.bytesWritten };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'Z_DATA_ERROR' || code === 'ERR_BUFFER_TOO_LARGE') return undefined;
    throw error;
  }
}
