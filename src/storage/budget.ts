/**
 * Bounds what a process uses at once, whatever the number of jobs it works on: bytes in buffers, or
 * requests under way. A task takes its share before it begins, waits its turn while that is not to be
 * had, and gives it back. First come, first served, so that a large task is not starved by small ones.
 */
export class Budget {
  readonly limit: number;
  #free: number;
  readonly #waiting: { units: number; grant: () => void }[] = [];

  /** @param limit the most units that are taken at once */
  constructor(limit: number) {
    this.limit = limit;
    this.#free = limit;
  }

  /** Units that are taken at the moment. */
  get taken(): number {
    return this.limit - this.#free;
  }

  /**
   * Runs `task` while it holds so many units. A task that wants more than there are takes all of them
   * and runs alone. Rejects with the signal's reason when it is aborted while it waits.
   */
  async spend<T>(units: number, signal: AbortSignal, task: () => Promise<T>): Promise<T> {
    const wanted = Math.min(units, this.limit);
    await this.#take(wanted, signal);
    try {
      return await task();
    } finally {
      this.#free += wanted;
      this.#grantNext();
    }
  }

  async #take(units: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#waiting.length === 0 && units <= this.#free) {
      this.#free -= units;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(signal.reason);
        this.#grantNext();
      };
      const waiter = {
        units,
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
    for (let next = this.#waiting[0]; next && next.units <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= next.units;
      next.grant();
    }
  }
}
