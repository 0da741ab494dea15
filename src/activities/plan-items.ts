import { createHash } from 'node:crypto';
import { setImmediate as afterEvents } from 'node:timers/promises';
import type { S3Client } from '@aws-sdk/client-s3';
import { type Config, ConfigError } from '../config.ts';
import { countShards, limitedChunkItems, shardStretch } from '../items/chunks.ts';
import { assertShards, type PlannedFile } from '../items/file-planner.ts';
import { type GeneratedSource, generatedId } from '../items/generated-items.ts';
import { hashKey, KeySum, totalKeySum } from '../items/key-sum.ts';
import type { ItemsJob } from '../messages/items.ts';
import { findItemProcessor, type Processors } from '../processors/load.ts';
import { Budget } from '../storage/budget.ts';
import { ObjectMissingError, type ObjectVersion } from '../storage/errors.ts';
import { headObject } from '../storage/objects.ts';
import { heartbeating, type Work } from './heartbeat.ts';
import { type BatchState, ItemObjects, PLAN } from './item-objects.ts';
import { NOTHING_KEPT, type PlanItemsCheckpoint, planItemFile } from './plan-item-file.ts';
import { currentRun, workingPrefix } from './working-objects.ts';

/** Of the format of what a batch writes down: another one begins every batch anew. */
const STATE_FORMAT = 1;

/** Files that a worker plans at once: each takes up to 50 MiB. */
const FILES_AT_ONCE = 1;

/** Items between two looks at what else there is to do, a heartbeat for example. */
const ITEMS_AT_A_TIME = 10_000;

/** Where the items of a run come from, in one version. */
export type PinnedSource = { readonly generate: GeneratedSource } | ObjectVersion;

/** What a run is going to process. Small: what is large lies in S3. */
export interface ItemsPlan extends BatchState {
  readonly source: PinnedSource;
  readonly total: number;
  readonly chunkItems: number;
  /** The key sum of all items, and of each shard. */
  readonly keySum: string;
  readonly shardSums: readonly string[];
  /** Whether an earlier run of the batch has left chunks that are done. */
  readonly resumed: boolean;
}

type Planning = Work<PlanItemsCheckpoint>;

/** The activity that a run of items begins with. */
export function createPlanItemsActivity(dependencies: {
  readonly s3: S3Client;
  readonly config: Config;
  readonly processors: Processors;
}) {
  const { s3, config, processors } = dependencies;
  const filePlans = new Budget(FILES_AT_ONCE);

  async function pin({ source }: ItemsJob, signal: AbortSignal): Promise<PinnedSource> {
    if ('generate' in source) return source;
    const head = await headObject(s3, source, signal);
    if (!head) throw new ObjectMissingError(source);
    const { bucket, key, etag, size } = head;
    return { bucket, key, etag, size };
  }

  return {
    /**
     * Finds out what a run is to process: pins the source, and in one pass over it counts the items,
     * sums up their keys, checks that no id comes twice, and writes down where in the file each chunk
     * lies. A plan of the same items that an earlier run of the batch has left is taken as it is.
     *
     * @throws ConfigError where there is no processor of that name, or no bucket
     * @throws ItemsError where the file is not what it should be; it names the line
     */
    async planItems(job: ItemsJob): Promise<ItemsPlan> {
      return heartbeating<PlanItemsCheckpoint, ItemsPlan>(async (planning) => {
        const { signal } = planning;
        const { ignoresValue = false } = findItemProcessor(processors, job.processor);
        const rules = { maxRecordBytes: config.MAX_ROW_BYTES, ignoresValue };
        const source = await pin(job, signal);
        const chunkItems = limitedChunkItems(job.itemsPerChunk, job.itemsPerSecond ?? undefined);
        const state = {
          bucket: bucketOf(config, source),
          prefix: `${workingPrefix(currentRun().workflowId)}${fingerprint(source, chunkItems, job)}/`,
        };
        const objects = new ItemObjects(s3, state);
        const found = await objects.find<Omit<ItemsPlan, 'resumed'>>(PLAN, signal);
        if (found) return { ...found, resumed: await objects.hasRecords(signal) };

        const { items: total, shardSums } =
          'generate' in source
            ? await planGenerated(source.generate, chunkItems, planning)
            : await filePlans.spend(1, signal, () =>
                planItemFile(s3, source, { chunkItems, rules, objects }, planning),
              );
        const keySum = totalKeySum(shardSums);
        const plan = { ...state, source, total, chunkItems, keySum, shardSums };
        await objects.save(PLAN, plan, signal);
        return { ...plan, resumed: false };
      });
    },
  };
}

/** Sums up the keys of a made-up batch, shard by shard. */
async function planGenerated(
  { count, seed }: GeneratedSource,
  chunkItems: number,
  { signal, resumeFrom, checkpoint }: Planning,
): Promise<Pick<PlannedFile, 'items' | 'shardSums'>> {
  const layout = { total: count, chunkItems };
  const shards = countShards(layout);
  assertShards(shards, chunkItems);
  const shardSums = [...(resumeFrom?.kept.shardSums ?? [])];
  for (let shard = shardSums.length + 1; shard <= shards; shard++) {
    const { first, items } = shardStretch(layout, shard);
    const keys = new KeySum();
    for (let index = first; index < first + items; index++) {
      keys.add(hashKey(generatedId(seed, index)));
      if (index % ITEMS_AT_A_TIME > 0) continue;
      await afterEvents();
      signal.throwIfAborted();
    }
    shardSums.push(keys.toString());
    checkpoint({
      itemsPlanned: first + items,
      itemsTotal: count,
      kept: { ...NOTHING_KEPT, shardSums },
    });
  }
  return { items: count, shardSums };
}

/** Where a batch keeps its state and its failures: the bucket that is set, or that of its file. */
function bucketOf(config: Config, source: PinnedSource): string {
  const bucket = config.ITEMS_BUCKET ?? ('generate' in source ? undefined : source.bucket);
  if (bucket) return bucket;
  throw new ConfigError(
    'ITEMS_BUCKET: expected the name of a bucket, for the failures of made-up batches, got nothing; set it for all workers of the task queue',
  );
}

/** Equal for runs that have the same items in the same chunks, and do the same to them. */
function fingerprint(source: PinnedSource, chunkItems: number, { processor }: ItemsJob): string {
  const text = JSON.stringify([STATE_FORMAT, source, chunkItems, processor]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
