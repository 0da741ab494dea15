/** A file of items that can't be processed as it is. The message says where and why. */
export class ItemsError extends Error {
  override readonly name = 'ItemsError';
}

/** What was processed is not what was planned: fewer items, more, or others. */
export class CountMismatch extends Error {
  override readonly name = 'CountMismatch';

  /** @param where which part of the batch, as the beginning of a sentence */
  constructor(where: string, expected: string, got: string) {
    super(
      `${where}: expected ${expected}, got ${got}; a working object or the source is not what the run ` +
        'wrote or read before: what was done is thrown away; start the batch again',
    );
  }
}

/** Items, by their number and the sum of their keys' hashes. */
export interface Tally {
  readonly items: number;
  readonly keySum: string;
}

/** Throws {@link CountMismatch} unless both are the same. */
export function assertSame(where: string, expected: Tally, got: Tally): void {
  if (expected.items === got.items && expected.keySum === got.keySum) return;
  throw new CountMismatch(where, describe(expected), describe(got));
}

function describe({ items, keySum }: Tally): string {
  return `${items} items with the key sum ${keySum}`;
}
