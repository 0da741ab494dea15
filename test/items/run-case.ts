import { generatedId, generatedItems } from '../../src/items/generated-items.ts';
import type { Item } from '../../src/items/item.ts';
import { hashKey, KeySum } from '../../src/items/key-sum.ts';
import { LowWater, type Mark, START } from '../../src/items/low-water.ts';
import { type RunItemsOptions, runItems } from '../../src/items/run-items.ts';
import type { ItemProcessor } from '../../src/processors/processor.ts';

export const SEED = 1;

/** What a test sets of a run; the rest is made up. */
export interface Case extends Partial<Omit<RunItemsOptions, 'counts' | 'processor'>> {
  readonly process: ItemProcessor['process'];
  readonly count?: number;
  readonly from?: Mark;
  readonly window?: number;
}

/** Begins to process items that are called 1-0, 1-1 and so on. */
export function start({ process, count = 10, from = START, window = 4096, ...options }: Case) {
  const failures: { id: string; error: string }[] = [];
  const abort = new AbortController();
  const counts = new LowWater(from, window, (id, error) => failures.push({ id, error }));
  const running = runItems({
    items: generatedItems(SEED, from.next, count),
    processor: { name: 'test', process },
    batch: { batchId: 'batch', timeScale: 1 },
    concurrency: 4,
    timeoutMs: 60_000,
    room: () => undefined,
    signal: abort.signal,
    graceMs: 60_000,
    ...options,
    counts,
  });
  return { running, counts, failures, abort };
}

/** Processes items to the end; gives how they were counted. */
export async function run(options: Case) {
  const { running, counts, failures } = start(options);
  await running;
  return { mark: counts.mark, failures };
}

/** The mark once the items below an index are counted. */
export function markAt(next: number, failed = 0): Mark {
  const keys = new KeySum();
  for (let index = 0; index < next; index++) keys.add(hashKey(generatedId(SEED, index)));
  return { next, failed, keySum: keys.toString() };
}

export function indexOf({ id }: Item): number {
  return Number(id.slice(`${SEED}-`.length));
}

/** Lets all go on that needs no timer. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
}

/** What an item that hangs gives. */
export const never = new Promise(() => {});
