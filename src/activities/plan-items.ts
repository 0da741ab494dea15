import { createHash } from 'node:crypto';
import { setImmediate as afterEvents } from 'node:timers/promises';
import type { S3Client } from '@aws-sdk/client-s3';
import { type Config, ConfigError } from '../config.ts';
import { countShards, limitedChunkItems, shardStretch } from '../items/chunks.ts';
import { ItemsError } from '../items/errors.ts';
import {
  assertShards,
  FilePlanner,
  type IndexEntry,
  type PlannedFile,
  UNPLANNED,
} from '../items/file-planner.ts';
import { type GeneratedSource, generatedId } from '../items/generated-items.ts';
import { KeyRuns, type RunStore, runHash } from '../items/key-runs.ts';
import { hashKey, KeySum, totalKeySum } from '../items/key-sum.ts';
import type { ItemsJob } from '../messages/items.ts';
import { findProcessor, type Processors } from '../processors/load.ts';
import { ObjectMissingError, type ObjectVersion, objectUrl } from '../storage/errors.ts';
import { ItemFile } from '../storage/item-file.ts';
import { deletePrefix, headObject, readRange } from '../storage/objects.ts';
import { heartbeating, type Work } from './heartbeat.ts';
import { type BatchState, ItemObjects, indexName, keysName, PLAN } from './item-objects.ts';
import { currentRun, workingPrefix } from './working-objects.ts';

/** Of the format of what a batch writes down: another one begins every batch anew. */
const STATE_FORMAT = 1;

/** Items between two looks at what else there is to do, a heartbeat for example. */
const ITEMS_AT_A_TIME = 10_000;

/** Bytes of one GET of a file that is planned, and GETs at once: 8 MiB. */
const BLOCK_BYTES = 2 * 1024 * 1024;
const LANES = 4;

/** Ids that are named where ids come more than once. */
const NAMED_IDS = 10;

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

/** What {@link createPlanItemsActivity | planItems} tells while it works. */
export interface PlanItemsCheckpoint {
  readonly itemsPlanned: number;
  /** Of a made-up batch. */
  readonly itemsTotal?: number;
  /** Of a file. */
  readonly bytesDone?: number;
  readonly bytesTotal?: number;
  /** Where a retry goes on: behind the last shard whose ids are kept. */
  readonly kept: KeptPlan;
}

interface KeptPlan extends PlannedFile {
  readonly columns?: readonly string[] | undefined;
  /** Ids of each run of hashes. */
  readonly runs: readonly number[];
}

const NOTHING_KEPT: KeptPlan = { ...UNPLANNED, runs: [] };

type Planning = Work<PlanItemsCheckpoint>;

/** The activity that a run of items begins with. */
export function createPlanItemsActivity(dependencies: {
  readonly s3: S3Client;
  readonly config: Config;
  readonly processors: Processors;
}) {
  const { s3, config, processors } = dependencies;

  async function pin({ source }: ItemsJob, signal: AbortSignal): Promise<PinnedSource> {
    if ('generate' in source) return source;
    const head = await headObject(s3, source, signal);
    if (!head) throw new ObjectMissingError(source);
    const { bucket, key, etag, size } = head;
    return { bucket, key, etag, size };
  }

  async function planFile(
    source: ObjectVersion,
    order: { chunkItems: number; ignoresValue: boolean; objects: ItemObjects },
    { signal, resumeFrom, checkpoint }: Planning,
  ): Promise<PlannedFile> {
    const { chunkItems, ignoresValue, objects } = order;
    const rules = { maxRecordBytes: config.MAX_ROW_BYTES, ignoresValue };
    let kept = resumeFrom?.kept ?? NOTHING_KEPT;
    const planner = new FilePlanner(chunkItems, kept);
    const runs = new KeyRuns(runStore(s3, objects, signal), kept.runs);
    const range = { start: kept.position, line: kept.line, end: source.size };
    const reading = { blockBytes: BLOCK_BYTES, lanes: LANES, signal };
    const file = new ItemFile(s3, source, {
      ...rules,
      ...range,
      ...reading,
      columns: kept.columns,
    });

    const save = async (chunks: readonly IndexEntry[]) => {
      const { columns } = file;
      const shard = planner.planned.shardSums.length;
      await objects.save(indexName(shard), { ...(columns && { columns }), chunks }, signal);
      // Worth a retry's while only together with the ids: both are written down, or neither.
      if (!runs.isWorthKeeping) return;
      await runs.keep();
      kept = { ...planner.planned, columns, runs: [...runs.kept] };
    };
    let itemsPlanned = kept.items;
    const tell = (bytesDone: number) =>
      checkpoint({ itemsPlanned, bytesDone, bytesTotal: source.size, kept });
    for await (const records of file.records()) {
      for (const record of records) {
        const hash = hashKey(record.item.id);
        if (runs.isFull) await runs.keep();
        runs.add(hash);
        const shard = planner.add(record, hash);
        if (shard) await save(shard);
      }
      itemsPlanned += records.length;
      tell(records.at(-1)?.end ?? source.size);
    }
    const last = planner.end();
    if (last) await save(last);
    const repeated = await runs.repeated(() => tell(source.size));
    if (repeated.size > 0) await assertDistinct(source, repeated, rules, signal);
    return planner.planned;
  }

  /** Throws where one of the hashes is that of an id which comes more than once, and not of two ids. */
  async function assertDistinct(
    source: ObjectVersion,
    hashes: ReadonlySet<bigint>,
    rules: { maxRecordBytes: number; ignoresValue: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    const lines = new Map<string, number[]>();
    const range = { start: 0, line: 1, end: source.size };
    const reading = { blockBytes: BLOCK_BYTES, lanes: LANES, signal };
    const file = new ItemFile(s3, source, { ...rules, ...range, ...reading });
    for await (const records of file.records()) {
      for (const { item, line } of records) {
        if (!hashes.has(runHash(item.id))) continue;
        const found = lines.get(item.id);
        if (found) found.push(line);
        else lines.set(item.id, [line]);
      }
    }
    const repeated = [...lines].filter(([, found]) => found.length > 1);
    if (repeated.length === 0) return;
    const named = repeated
      .slice(0, NAMED_IDS)
      .map(
        ([id, found]) => `${JSON.stringify(id)} on lines ${found.slice(0, NAMED_IDS).join(', ')}`,
      );
    const more = repeated.length > named.length ? '; and others' : '';
    throw new ItemsError(
      `${objectUrl(source)}: ids must be unique, but some come more than once: ${named.join('; ')}${more}`,
    );
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
        const { ignoresValue = false } = findProcessor(processors, job.processor);
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
            : await planFile(source, { chunkItems, ignoresValue, objects }, planning).catch(
                async (error) => {
                  // No run can go on from the plan of a file that is wrong.
                  if (error instanceof ItemsError)
                    await deletePrefix(s3, state.bucket, state.prefix);
                  throw error;
                },
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

function runStore(s3: S3Client, objects: ItemObjects, signal: AbortSignal): RunStore {
  const versions = new Map<number, ObjectVersion>();
  const versionOf = async (number: number) => {
    const location = objects.locate(keysName(number));
    const version = versions.get(number) ?? (await headObject(s3, location, signal));
    if (!version) throw new ObjectMissingError(location);
    versions.set(number, version);
    return version;
  };
  return {
    write: (number, bytes) => objects.put(keysName(number), bytes, signal),
    read: async (number, start, end) => readRange(s3, await versionOf(number), start, end, signal),
  };
}
