import { hashKey, KeySum } from './key-sum.ts';

/** How far a chunk is: all items below `next`, and no others, are counted. */
export interface Mark {
  /** Items from the chunk's first one on that are counted. */
  readonly next: number;
  /** How many of them failed. */
  readonly failed: number;
  /** The sum of their keys' hashes. */
  readonly keySum: string;
}

/** A chunk of which nothing is counted yet. */
export const START: Mark = { next: 0, failed: 0, keySum: new KeySum().toString() };

/**
 * Counts the items of a chunk, which end in any order, without gaps: an item that has ended counts once
 * all before it have. What is above the mark is kept, up to `window` items of it, and forgotten with
 * this object.
 */
export class LowWater {
  readonly #window: number;
  readonly #ended: Uint8Array;
  readonly #hashes: Uint32Array;
  readonly #errors = new Map<number, { readonly id: string; readonly error: string }>();
  readonly #keys: KeySum;
  #next: number;
  #failed: number;
  #reached: (() => void)[] = [];
  /** What becomes of each failure once it counts, in order. */
  readonly #onFailure: (id: string, error: string) => void;

  constructor(from: Mark, window: number, onFailure: (id: string, error: string) => void) {
    this.#window = window;
    this.#ended = new Uint8Array(window);
    this.#hashes = new Uint32Array(2 * window);
    this.#keys = new KeySum(from.keySum);
    this.#next = from.next;
    this.#failed = from.failed;
    this.#onFailure = onFailure;
  }

  get mark(): Mark {
    return { next: this.#next, failed: this.#failed, keySum: this.#keys.toString() };
  }

  /** Whether an item is so far above the mark that it has to wait. */
  isTooFar(index: number): boolean {
    return index - this.#next >= this.#window;
  }

  /** Waits until the mark has moved. */
  moved(): Promise<void> {
    return new Promise((resolve) => this.#reached.push(resolve));
  }

  succeed(index: number, id: string): void {
    this.#end(index, id);
  }

  fail(index: number, id: string, error: string): void {
    this.#errors.set(index, { id, error });
    this.#end(index, id);
  }

  #end(index: number, id: string): void {
    const slot = index % this.#window;
    const { high, low } = hashKey(id);
    this.#ended[slot] = 1;
    this.#hashes[2 * slot] = high;
    this.#hashes[2 * slot + 1] = low;
    if (index !== this.#next) return;
    this.#advance();
    if (this.#reached.length === 0) return;
    for (const resolve of this.#reached.splice(0)) resolve();
  }

  #advance(): void {
    for (;;) {
      const slot = this.#next % this.#window;
      if (this.#ended[slot] === 0) return;
      this.#ended[slot] = 0;
      this.#keys.addWords(this.#hashes[2 * slot] as number, this.#hashes[2 * slot + 1] as number);
      if (this.#errors.size > 0) this.#countFailure(this.#next);
      this.#next += 1;
    }
  }

  #countFailure(index: number): void {
    const failure = this.#errors.get(index);
    if (!failure) return;
    this.#errors.delete(index);
    this.#failed += 1;
    this.#onFailure(failure.id, failure.error);
  }
}
