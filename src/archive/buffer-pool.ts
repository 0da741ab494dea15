/** Buffers have a multiple of this size (bytes), so that one serves for many sizes. */
const STEP_BYTES = 4 * 1024 * 1024;

/**
 * Large buffers that are used over and over. To allocate them anew each time makes the garbage
 * collector run all the time: it took 40% of the processor time of unpacking (measured).
 */
export class BufferPool {
  readonly #free = new Map<number, Buffer[]>();
  readonly #limit: number;
  #freeBytes = 0;

  /** @param limit bytes that are kept for later at most; what is given back beyond that is dropped */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** A buffer of so many bytes, with whatever is in it. */
  take(bytes: number): PooledBuffer {
    const size = Math.ceil(bytes / STEP_BYTES) * STEP_BYTES;
    const free = this.#free.get(size)?.pop();
    if (free) this.#freeBytes -= size;
    const whole = free ?? Buffer.allocUnsafeSlow(size);
    return { bytes: whole.subarray(0, bytes), release: () => this.#give(whole) };
  }

  #give(whole: Buffer): void {
    if (this.#freeBytes + whole.length > this.#limit) return;
    this.#freeBytes += whole.length;
    const free = this.#free.get(whole.length);
    if (free) free.push(whole);
    else this.#free.set(whole.length, [whole]);
  }
}

/** A buffer of a pool, the taker's own until it is released, which is done once. */
export interface PooledBuffer {
  readonly bytes: Buffer;
  readonly release: () => void;
}
