import { type Item, MAX_VALUE, plainItem } from './item.ts';
import { hashKey } from './key-sum.ts';

/** A made-up batch: the same seed makes the same items. */
export interface GeneratedSource {
  readonly count: number;
  readonly seed: number;
}

/** Items that are made, and handed out, together. */
const BATCH_ITEMS = 1000;

/** The id of the item at an index, from 0. */
export function generatedId(seed: number, index: number): string {
  return `${seed}-${index}`;
}

/** The item at an index, from 0: its value is spread evenly from 0 to {@link MAX_VALUE}. */
export function generatedItem(seed: number, index: number): Item {
  const id = generatedId(seed, index);
  return plainItem(id, hashKey(`value ${id}`).low % (MAX_VALUE + 1));
}

/** The items from index `start` up to, not including, `end`, some at a time. */
export function* generatedItems(seed: number, start: number, end: number): Generator<Item[]> {
  for (let from = start; from < end; from += BATCH_ITEMS) {
    const batch: Item[] = [];
    const to = Math.min(from + BATCH_ITEMS, end);
    for (let index = from; index < to; index++) batch.push(generatedItem(seed, index));
    yield batch;
  }
}
