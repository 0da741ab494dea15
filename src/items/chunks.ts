/** Chunks of a shard: some 1,600 events of history, of the 51,200 that Temporal allows. */
export const SHARD_CHUNKS = 500;

/** Shards of a batch: each is a child run, and takes some ten events of the batch's own history. */
export const MAX_SHARDS = 2500;

/** Chunks of one shard that are processed at once: more wait in the task queue for nothing. */
const SHARD_LANES = 50;

/** How a batch is cut: into chunks of so many items, the last one shorter, and shards of chunks. */
export interface ChunkLayout {
  readonly total: number;
  readonly chunkItems: number;
}

export function countChunks({ total, chunkItems }: ChunkLayout): number {
  return Math.ceil(total / chunkItems);
}

export function countShards(layout: ChunkLayout): number {
  return Math.ceil(countChunks(layout) / SHARD_CHUNKS);
}

/** A stretch of a batch: the index of its first item, from 0, and how many there are. */
export interface Stretch {
  readonly first: number;
  readonly items: number;
}

/** What a shard, numbered from 1, has of the batch. */
export function shardStretch(layout: ChunkLayout, shard: number): Stretch {
  return stretch(layout, (shard - 1) * SHARD_CHUNKS, shard * SHARD_CHUNKS);
}

/** What a chunk has of the batch; chunks are numbered from 1 within their shard. */
export function chunkStretch(layout: ChunkLayout, shard: number, chunk: number): Stretch {
  const number = (shard - 1) * SHARD_CHUNKS + chunk;
  return stretch(layout, number - 1, number);
}

/** How many chunks a shard has. */
export function chunksOfShard(layout: ChunkLayout, shard: number): number {
  return Math.min(SHARD_CHUNKS, countChunks(layout) - (shard - 1) * SHARD_CHUNKS);
}

/**
 * Shares so many chunks at once out to shards that run at once: to two or more, so that others go on
 * while the last chunks of one end. Gives the chunks at once of each.
 */
export function shareLanes(parallelChunks: number, shards: number): number[] {
  const wanted = Math.max(2, Math.ceil(parallelChunks / SHARD_LANES));
  const used = Math.max(1, Math.min(shards, wanted, parallelChunks));
  return Array.from({ length: used }, (_, index) =>
    Math.min(SHARD_CHUNKS, Math.floor((parallelChunks + index) / used)),
  );
}

/**
 * The items of a chunk where a batch is limited to so many items a second: at most a second's worth,
 * since the task queue's limit holds back chunks, not items.
 */
export function limitedChunkItems(itemsPerChunk: number, itemsPerSecond: number | undefined) {
  if (itemsPerSecond === undefined) return itemsPerChunk;
  return Math.min(itemsPerChunk, Math.max(1, Math.floor(itemsPerSecond)));
}

function stretch({ total, chunkItems }: ChunkLayout, from: number, to: number): Stretch {
  const first = from * chunkItems;
  return { first, items: Math.min(total, to * chunkItems) - first };
}
