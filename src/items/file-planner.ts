import { LimitError } from '../archive/errors.ts';
import { MAX_SHARDS, SHARD_CHUNKS } from './chunks.ts';
import type { ItemRecord } from './item.ts';
import { type KeyHash, KeySum } from './key-sum.ts';

/** Where the items of a chunk lie in their file, and what they must add up to. */
export interface IndexEntry {
  /** Offsets in bytes: from `start` up to, not including, `end`. */
  readonly start: number;
  readonly end: number;
  /** The line that `start` lies on, from 1. */
  readonly line: number;
  readonly items: number;
  readonly keySum: string;
}

/** How far the planning of a file is, at the end of a shard. */
export interface PlannedFile {
  readonly items: number;
  /** Where the next shard begins: offset in bytes, and the line that it lies on. */
  readonly position: number;
  readonly line: number;
  /** The key sum of each shard. */
  readonly shardSums: readonly string[];
}

/** Nothing planned yet. */
export const UNPLANNED: PlannedFile = { items: 0, position: 0, line: 1, shardSums: [] };

/** Cuts the items of a file into chunks, and the chunks into shards, as the items come. */
export class FilePlanner {
  readonly #chunkItems: number;
  #planned: PlannedFile;
  /** The open shard. */
  #chunks: IndexEntry[] = [];
  #shardItems = 0;
  #shardKeys = new KeySum();
  /** The open chunk. */
  #start: number;
  #line: number;
  #end: number;
  #nextLine: number;
  #items = 0;
  #keys = new KeySum();

  /** @param from where an earlier attempt had come to */
  constructor(chunkItems: number, from: PlannedFile = UNPLANNED) {
    this.#chunkItems = chunkItems;
    this.#planned = from;
    this.#start = this.#end = from.position;
    this.#line = this.#nextLine = from.line;
  }

  /** What there is up to the end of the last shard that is complete. */
  get planned(): PlannedFile {
    return this.#planned;
  }

  /** Adds the next item; gives the chunks of the shard that it completes, if it does. */
  add({ end, nextLine }: ItemRecord, hash: KeyHash): readonly IndexEntry[] | undefined {
    this.#keys.add(hash);
    this.#items += 1;
    this.#end = end;
    this.#nextLine = nextLine;
    if (this.#items === this.#chunkItems) this.#closeChunk();
    return this.#chunks.length === SHARD_CHUNKS ? this.#closeShard() : undefined;
  }

  /** Ends the file; gives the chunks of its last shard, if there are any. */
  end(): readonly IndexEntry[] | undefined {
    if (this.#items > 0) this.#closeChunk();
    return this.#chunks.length > 0 ? this.#closeShard() : undefined;
  }

  #closeChunk(): void {
    const keySum = this.#keys.toString();
    this.#chunks.push({
      start: this.#start,
      end: this.#end,
      line: this.#line,
      items: this.#items,
      keySum,
    });
    this.#shardItems += this.#items;
    this.#shardKeys.addSum(keySum);
    this.#start = this.#end;
    this.#line = this.#nextLine;
    this.#items = 0;
    this.#keys = new KeySum();
  }

  #closeShard(): readonly IndexEntry[] {
    const { items, shardSums } = this.#planned;
    assertShards(shardSums.length + 1, this.#chunkItems);
    this.#planned = {
      items: items + this.#shardItems,
      position: this.#end,
      line: this.#nextLine,
      shardSums: [...shardSums, this.#shardKeys.toString()],
    };
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#shardItems = 0;
    this.#shardKeys = new KeySum();
    return chunks;
  }
}

/** Throws `LimitError` where a batch has more shards than one run can have. */
export function assertShards(shards: number, chunkItems: number): void {
  if (shards <= MAX_SHARDS) return;
  throw new LimitError(
    `The batch has more than ${MAX_SHARDS * SHARD_CHUNKS} chunks of ${chunkItems} items, which is the limit; raise itemsPerChunk`,
  );
}
