/**
 * Bounds the bytes that a process holds in buffers, whatever the number of jobs it works on: a task
 * takes its bytes before it reads them, waits its turn while they are not to be had, and gives them
 * back. First come, first served, so that a large task is not starved by small ones.
 */
export class ByteBudget {
  readonly limit: number;
  #free: number;
  readonly #waiting: { bytes: number; grant: () => void }[] = [];

  /** @param limit the most bytes that are out at once */
  constructor(limit: number) {
    this.limit = limit;
    this.#free = limit;
  }

  /** Bytes that are taken at the moment. */
  get taken(): number {
    return this.limit - this.#free;
  }

  /**
   * Runs `task` while it holds `bytes`. A task that wants more than there is takes all of it and
   * runs alone. Rejects with the signal's reason when it is aborted while it waits.
   */
  async spend<T>(bytes: number, signal: AbortSignal, task: () => Promise<T>): Promise<T> {
    const wanted = Math.min(bytes, this.limit);
    await this.#take(wanted, signal);
    try {
      return await task();
    } finally {
      this.#free += wanted;
      this.#grantNext();
    }
  }

  async #take(bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#waiting.length === 0 && bytes <= this.#free) {
      this.#free -= bytes;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(signal.reason);
        this.#grantNext();
      };
      const waiter = {
        bytes,
        grant: () => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(waiter);
    });
  }

  #grantNext(): void {
    for (let next = this.#waiting[0]; next && next.bytes <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= next.bytes;
      next.grant();
    }
  }
}
