import { setImmediate as afterEvents } from 'node:timers/promises';
import type { Item } from './item.ts';

/** Hands out items one by one to many takers; asks its source for more when a taker finds none. */
export class ItemQueue {
  readonly #source: Iterator<readonly Item[]> | AsyncIterator<readonly Item[]>;
  #batch: readonly Item[] = [];
  #at = 0;
  #taken = 0;
  #refilling: Promise<boolean> | undefined;

  constructor(source: Iterable<readonly Item[]> | AsyncIterable<readonly Item[]>) {
    this.#source =
      Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  }

  /** How many items have been handed out. */
  get taken(): number {
    return this.#taken;
  }

  /** The next item, if one is at hand. */
  take(): Item | undefined {
    const item = this.#batch[this.#at];
    if (item === undefined) return undefined;
    this.#at += 1;
    this.#taken += 1;
    return item;
  }

  /** Gets more; false at the end. Takers that call it meanwhile wait for the same. */
  refill(): Promise<boolean> {
    if (this.#at < this.#batch.length) return Promise.resolve(true);
    this.#refilling ??= this.#next().finally(() => {
      this.#refilling = undefined;
    });
    return this.#refilling;
  }

  /** Lets the source clean up. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  async #next(): Promise<boolean> {
    for (;;) {
      // Items that need no waiting would otherwise keep timers, and with them heartbeats, from their turn.
      await afterEvents();
      const { done, value } = await this.#source.next();
      if (done) return false;
      if (value.length === 0) continue;
      this.#batch = value;
      this.#at = 0;
      return true;
    }
  }
}
