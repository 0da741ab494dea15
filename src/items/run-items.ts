import { setTimeout as sleep } from 'node:timers/promises';
import type { ItemContext, ItemProcessor } from '../processors/processor.ts';
import type { Item } from './item.ts';
import { ItemQueue } from './item-queue.ts';
import type { LowWater } from './low-water.ts';

/** Items that are processed above the mark at most: what a worker that dies leaves to be done again. */
export const WINDOW_ITEMS = 4096;

/** Characters of an error that are kept. */
const MAX_ERROR_CHARACTERS = 1000;

/** How often it is looked whose time is up (ms); a time-out is that late at most. */
const TIMEOUT_CHECK_MS = 250;

export interface RunItemsOptions {
  /** The items from the mark on. */
  readonly items: Iterable<readonly Item[]> | AsyncIterable<readonly Item[]>;
  readonly processor: ItemProcessor;
  readonly batch: Pick<ItemContext, 'batchId' | 'timeScale'>;
  /** Items at once. */
  readonly concurrency: number;
  /** How long an item may take. */
  readonly timeoutMs: number;
  /** Items a second that are begun at most. */
  readonly itemsPerSecond?: number | undefined;
  /** Where items are counted. Its window must not be larger than {@link WINDOW_ITEMS}. */
  readonly counts: LowWater;
  /** Waits for room where what is counted has to be written down first. */
  readonly room: () => Promise<unknown> | undefined;
  /** No item is begun once it is aborted; those under way get `graceMs` to end. */
  readonly signal: AbortSignal;
  readonly graceMs: number;
}

/**
 * Processes items, so many at once, each for so long at most, and counts how they end. Returns when all
 * have ended; or after an abort, when those under way have ended or the grace is over: what has not
 * ended by then is told to stop, and does not count. Rejects where the source of the items fails.
 */
export async function runItems(options: RunItemsOptions): Promise<void> {
  const { signal, graceMs, concurrency } = options;
  const run = new ItemRun(options);
  const lanes = Array.from({ length: concurrency }, () => run.lane());
  const ended = Promise.allSettled(lanes);
  const over = new AbortController();
  try {
    await Promise.race([ended, graceAfter(signal, graceMs, over.signal)]);
    run.throwIfFailed();
  } finally {
    over.abort();
    await run.end();
  }
}

/** Items under way in a lane: one, or none. */
interface Turn {
  deadline: number;
  giveUp: (reason: Error) => void;
}

class ItemRun {
  readonly #options: RunItemsOptions;
  readonly #queue: ItemQueue;
  readonly #first: number;
  readonly #startedAt = performance.now();
  readonly #turns = new Set<Turn>();
  readonly #timer: NodeJS.Timeout;
  #failure: { readonly error: unknown } | undefined;
  #isOver = false;

  constructor(options: RunItemsOptions) {
    this.#options = options;
    this.#queue = new ItemQueue(options.items);
    this.#first = options.counts.mark.next;
    this.#timer = setInterval(() => this.#endLate(), TIMEOUT_CHECK_MS);
  }

  throwIfFailed(): void {
    if (this.#failure) throw this.#failure.error;
  }

  /** Nothing counts from here on; what is under way is told to stop. */
  async end(): Promise<void> {
    this.#isOver = true;
    clearInterval(this.#timer);
    for (const { giveUp } of this.#turns) giveUp(new Error('The worker stops'));
    await this.#queue.close();
  }

  /** Takes items, one after the other, until there are no more. */
  async lane(): Promise<void> {
    try {
      for (;;) {
        if (this.#isStopping()) return;
        const item = this.#queue.take();
        if (item) await this.#process(item, this.#first + this.#queue.taken - 1);
        else if (!(await this.#queue.refill())) return;
      }
    } catch (error) {
      // A source may be told to stop by the same signal.
      if (!this.#options.signal.aborted) this.#failure ??= { error };
    }
  }

  #isStopping(): boolean {
    return this.#isOver || this.#failure !== undefined || this.#options.signal.aborted;
  }

  async #process(item: Item, index: number): Promise<void> {
    const { counts, room, itemsPerSecond } = this.#options;
    while (counts.isTooFar(index)) await counts.moved();
    const written = room();
    if (written) await written;
    if (itemsPerSecond !== undefined) await this.#pace(index, itemsPerSecond);
    if (this.#isStopping()) return;
    let error: string | undefined;
    try {
      const outcome = this.#begin(item);
      if (outcome !== undefined) await outcome;
    } catch (cause) {
      error = describe(cause);
    }
    if (this.#isOver) return;
    if (error === undefined) counts.succeed(index, item.id);
    else counts.fail(index, item.id, error);
  }

  /** Calls the processor; gives what is to be waited for, if anything is. */
  #begin(item: Item): Promise<void> | undefined {
    const { processor, batch } = this.#options;
    const context = new Context(batch);
    const outcome = processor.process(item, context);
    return isThenable(outcome) ? this.#wait(outcome, context) : undefined;
  }

  #wait(outcome: PromiseLike<unknown>, context: Context): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn: Turn = {
        deadline: performance.now() + this.#options.timeoutMs,
        giveUp: (reason) => {
          this.#turns.delete(turn);
          // First, so that the reason is told, and not what the processor makes of its signal.
          reject(reason);
          context.abort(reason);
        },
      };
      this.#turns.add(turn);
      outcome.then(
        () => {
          this.#turns.delete(turn);
          resolve();
        },
        (error) => {
          this.#turns.delete(turn);
          reject(error);
        },
      );
    });
  }

  #endLate(): void {
    const now = performance.now();
    for (const turn of this.#turns) {
      if (turn.deadline > now) continue;
      const seconds = this.#options.timeoutMs / 1000;
      turn.giveUp(new Error(`Timed out after ${seconds} s`));
    }
  }

  async #pace(index: number, itemsPerSecond: number): Promise<void> {
    const due = this.#startedAt + ((index - this.#first) / itemsPerSecond) * 1000;
    const wait = due - performance.now();
    if (wait <= 0) return;
    await sleep(wait, undefined, { signal: this.#options.signal }).catch(() => {});
  }
}

/** An item's context. Few processors look at the signal: it is made when one does. */
class Context implements ItemContext {
  readonly batchId: string;
  readonly timeScale: number;
  #controller: AbortController | undefined;
  #reason: Error | undefined;

  constructor({ batchId, timeScale }: Pick<ItemContext, 'batchId' | 'timeScale'>) {
    this.batchId = batchId;
    this.timeScale = timeScale;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  abort(reason: Error): void {
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}

/** Resolves so long after an abort; never without one. */
async function graceAfter(signal: AbortSignal, ms: number, over: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true, signal: over });
  });
  await sleep(ms, undefined, { signal: over }).catch(() => {});
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function';
}

function describe(cause: unknown): string {
  const text = textOf(cause);
  const shown = text.slice(0, MAX_ERROR_CHARACTERS);
  return text.length > MAX_ERROR_CHARACTERS ? `${shown}…` : shown;
}

/** Anything can be thrown, an object that can't be made text of among others. */
function textOf(cause: unknown): string {
  try {
    if (cause instanceof Error) return String(cause.message || cause.name);
    return typeof cause === 'string' ? cause : (JSON.stringify(cause) ?? String(cause));
  } catch {
    return 'The processor threw something that is no text';
  }
}
