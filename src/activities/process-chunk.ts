import type { S3Client } from '@aws-sdk/client-s3';
import { Context } from '@temporalio/activity';
import type { Config } from '../config.ts';
import { assertSame, CountMismatch, ItemsError } from '../items/errors.ts';

import { generatedItems } from '../items/generated-items.ts';
import type { Item } from '../items/item.ts';
import { START } from '../items/low-water.ts';
import { runItems } from '../items/run-items.ts';
import type { ItemsJob } from '../messages/items.ts';
import { findItemProcessor, type Processors } from '../processors/load.ts';

import { ItemFile } from '../storage/item-file.ts';
import { ChunkLog } from './chunk-log.ts';
import { heartbeating } from './heartbeat.ts';
import {
  type BatchState,
  type ChunkRecord,
  ItemObjects,
  indexName,
  runTag,
  type ShardIndex,
} from './item-objects.ts';
import type { PinnedSource } from './plan-items.ts';
import { currentRun } from './working-objects.ts';

/** A chunk that can't write down how far it is tells that it lives after so long (ms), before its time-out of 15 s. */
const LONGEST_SILENCE_MS = 12_000;

/** What the items that are under way get to end when a chunk has to stop (ms). A worker that stops has 7 s. */
const GRACE_MS = 5_000;

/** Bytes of one GET of a chunk's items, and GETs at once: 512 KiB a chunk. */
const BLOCK_BYTES = 256 * 1024;
const LANES = 2;

/** A chunk of a batch. */
export interface ChunkOrder {
  readonly state: BatchState;
  readonly source: PinnedSource;
  /** Numbered from 1, within the batch and within the shard. */
  readonly shard: number;
  readonly chunk: number;
  /** Index of its first item within the batch, from 0, and how many there are. */
  readonly first: number;
  readonly items: number;
  readonly job: ChunkJob;
  /** How far an earlier run has come with it. */
  readonly from?: ChunkRecord | undefined;
}

/** What a job says of how its items are processed. */
export type ChunkJob = Pick<
  ItemsJob,
  | 'batchId'
  | 'processor'
  | 'itemConcurrency'
  | 'timeScale'
  | 'itemTimeoutSeconds'
  | 'itemsPerSecond'
>;

const NEW_CHUNK: ChunkRecord = { ...START, failures: [] };

/** The activity that the work of a batch is done in. */
export function createProcessChunkActivity(dependencies: {
  readonly s3: S3Client;
  readonly config: Config;
  readonly processors: Processors;
}) {
  const { s3, config, processors } = dependencies;
  const intervalMs = config.ITEMS_HEARTBEAT_SECONDS * 1000;

  /** Processes what is not counted yet; gives what the chunk was to have. */
  async function processRest(
    order: ChunkOrder,
    objects: ItemObjects,
    log: ChunkLog,
    signal: AbortSignal,
  ): Promise<ChunkItems> {
    const { batchId, timeScale, itemConcurrency, itemTimeoutSeconds, itemsPerSecond } = order.job;
    const processor = findItemProcessor(processors, order.job.processor);
    const { ignoresValue = false } = processor;
    const rules = { maxRecordBytes: config.MAX_ROW_BYTES, ignoresValue, signal };
    const chunkItems = await openChunk(s3, objects, order, log.counts.mark.next, rules);
    await runItems({
      items: chunkItems.items,
      processor,
      batch: { batchId, timeScale },
      concurrency: itemConcurrency,
      timeoutMs: itemTimeoutSeconds * 1000,
      itemsPerSecond: itemsPerSecond ?? undefined,
      counts: log.counts,
      room: () => log.room(),
      signal,
      graceMs: GRACE_MS,
    });
    return chunkItems;
  }

  return {
    /**
     * Processes the items of a chunk from where an earlier attempt was. Where the run is cancelled, it
     * stops at the items that are under way, and gives how far it came.
     *
     * @throws CountMismatch where the chunk has other items than were planned
     */
    async processChunk(order: ChunkOrder): Promise<ChunkRecord> {
      return heartbeating<ChunkRecord, ChunkRecord>(
        async ({ signal, resumeFrom, tell }) => {
          const { state, shard, chunk } = order;
          const objects = new ItemObjects(s3, state);
          const writer = writerName();
          const from = resumeFrom ?? order.from ?? NEW_CHUNK;
          const log = await ChunkLog.open(objects, { shard, chunk, writer }, from, tell, signal);
          const chunkItems = await whileSaving(log, intervalMs, signal, (either) =>
            processRest(order, objects, log, either),
          );
          const record = await log.saveLast();
          if (record.next === order.items) chunkItems.assertComplete(record);
          else if (!isCancelled()) {
            signal.throwIfAborted();
            throw mismatch(order, `${record.next} items`);
          }
          await objects.saveRecord(shard, chunk, writer, record);
          return record;
        },
        Math.min(2 * intervalMs, LONGEST_SILENCE_MS),
      );
    },
  };
}

/** Saves at a steady pace what `work` has counted; where that fails, `work` is told to stop. */
async function whileSaving<T>(
  log: ChunkLog,
  intervalMs: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const broken = new AbortController();
  const save = () => log.save().catch((error) => broken.abort(error));
  const timer = setInterval(save, intervalMs);
  try {
    const result = await work(AbortSignal.any([signal, broken.signal]));
    broken.signal.throwIfAborted();
    return result;
  } finally {
    clearInterval(timer);
  }
}

/** The items of a chunk, and the check that they were the right ones. */
interface ChunkItems {
  readonly items: Iterable<readonly Item[]> | AsyncIterable<readonly Item[]>;
  assertComplete(record: ChunkRecord): void;
}

async function openChunk(
  s3: S3Client,
  objects: ItemObjects,
  order: ChunkOrder,
  skipped: number,
  rules: { maxRecordBytes: number; ignoresValue: boolean; signal: AbortSignal },
): Promise<ChunkItems> {
  const { source, shard, chunk, first, items } = order;
  if ('generate' in source) {
    return {
      items: generatedItems(source.generate.seed, first + skipped, first + items),
      // The shard's sum tells.
      assertComplete() {},
    };
  }
  const { columns, chunks } = await objects.load<ShardIndex>(indexName(shard), rules.signal);
  const entry = chunks[chunk - 1];
  if (!entry || entry.items !== items) throw mismatch(order, `${entry?.items ?? 0} in the index`);
  const reading = { blockBytes: BLOCK_BYTES, lanes: LANES };
  const file = new ItemFile(s3, source, { ...rules, ...entry, ...reading, columns });
  return {
    items: readItems(file, order, skipped),
    assertComplete: ({ keySum }) => assertSame(nameOf(order), entry, { items, keySum }),
  };
}

/** The items of a file's chunk from one on. What is planned has been read before: it can't be wrong now. */
async function* readItems(
  file: ItemFile,
  order: ChunkOrder,
  skipped: number,
): AsyncGenerator<readonly Item[]> {
  let read = 0;
  try {
    for await (const records of file.records()) {
      const from = Math.max(0, skipped - read);
      read += records.length;
      if (read > order.items) throw mismatch(order, `${read} or more`);
      if (from < records.length) yield records.slice(from).map(({ item }) => item);
    }
  } catch (error) {
    if (error instanceof ItemsError) throw mismatch(order, `this: ${error.message}`);
    throw error;
  }
}

function mismatch(order: ChunkOrder, got: string): CountMismatch {
  return new CountMismatch(nameOf(order), `${order.items} items`, got);
}

function nameOf({ shard, chunk }: ChunkOrder): string {
  return `Chunk ${chunk} of shard ${shard}`;
}

/** Whether the run is cancelled, rather than the worker stopped or the attempt over. */
function isCancelled(): boolean {
  return Context.current().cancellationDetails?.cancelRequested === true;
}

/** Names this attempt, as no other attempt of any run is named. */
function writerName(): string {
  return `${runTag(currentRun().runId)}.${Context.current().info.attempt}`;
}
