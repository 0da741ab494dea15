import type { S3Client } from '@aws-sdk/client-s3';
import { ItemsError } from '../items/errors.ts';
import {
  FilePlanner,
  type IndexEntry,
  type PlannedFile,
  UNPLANNED,
} from '../items/file-planner.ts';
import { KeyRuns, type RunStore, runHash } from '../items/key-runs.ts';
import { hashKey } from '../items/key-sum.ts';
import type { ItemRules } from '../items/record-reader.ts';
import {
  ObjectChangedError,
  ObjectMissingError,
  type ObjectVersion,
  objectUrl,
} from '../storage/errors.ts';
import { ItemFile } from '../storage/item-file.ts';
import { deletePrefix, headObject, readRange } from '../storage/objects.ts';
import type { Work } from './heartbeat.ts';
import { type ItemObjects, indexName, keysName } from './item-objects.ts';

/** Bytes of one GET, and GETs at once: 8 MiB. */
const READING = { blockBytes: 2 * 1024 * 1024, lanes: 4 };

/** Ids that are named where ids come more than once, and lines of each. */
const NAMED_IDS = 10;

/** What the activity `planItems` tells while it works. */
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

export const NOTHING_KEPT: KeptPlan = { ...UNPLANNED, runs: [] };

/** How a file is planned, and where its plan goes. */
export interface ItemFileOrder {
  readonly chunkItems: number;
  readonly rules: Pick<ItemRules, 'maxRecordBytes' | 'ignoresValue'>;
  readonly objects: ItemObjects;
}

/**
 * Plans a file in one pass: writes down its sparse index, shard by shard, and checks that no id comes
 * twice. Where the file turns out to be wrong, nothing is left: no run could go on from that.
 */
export async function planItemFile(
  s3: S3Client,
  source: ObjectVersion,
  order: ItemFileOrder,
  work: Work<PlanItemsCheckpoint>,
): Promise<PlannedFile> {
  try {
    return await readWhole(s3, source, order, work);
  } catch (error) {
    if (error instanceof ItemsError || error instanceof ObjectChangedError) {
      const { bucket, key: prefix } = order.objects.locate('');
      await deletePrefix(s3, bucket, prefix, work.signal);
    }
    throw error;
  }
}

async function readWhole(
  s3: S3Client,
  source: ObjectVersion,
  order: ItemFileOrder,
  { signal, resumeFrom, checkpoint }: Work<PlanItemsCheckpoint>,
): Promise<PlannedFile> {
  const { chunkItems, rules, objects } = order;
  let kept = resumeFrom?.kept ?? NOTHING_KEPT;
  const planner = new FilePlanner(chunkItems, kept);
  const runs = new KeyRuns(runStore(s3, objects, signal), kept.runs);
  const { position: start, line, columns: header } = kept;
  const range = { start, line, end: source.size, columns: header };
  const file = new ItemFile(s3, source, { ...rules, ...range, ...READING, signal });

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
  if (repeated.size > 0) await assertDistinct(s3, source, repeated, order, signal);
  return planner.planned;
}

/** Throws where one of the hashes is that of an id which comes more than once, and not of two ids. */
async function assertDistinct(
  s3: S3Client,
  source: ObjectVersion,
  hashes: ReadonlySet<bigint>,
  { rules }: ItemFileOrder,
  signal: AbortSignal,
): Promise<void> {
  const lines = new Map<string, number[]>();
  const range = { start: 0, line: 1, end: source.size };
  const file = new ItemFile(s3, source, { ...rules, ...range, ...READING, signal });
  for await (const records of file.records()) {
    for (const { item, line } of records) {
      if (!hashes.has(runHash(item.id))) continue;
      const found = lines.get(item.id) ?? [];
      if (found.length < NAMED_IDS) found.push(line);
      lines.set(item.id, found);
    }
  }
  const repeated = [...lines].filter(([, found]) => found.length > 1);
  if (repeated.length === 0) return;
  const named = repeated
    .slice(0, NAMED_IDS)
    .map(([id, found]) => `${JSON.stringify(id)} on lines ${found.join(', ')}`);
  const more = repeated.length > named.length ? '; and others' : '';
  throw new ItemsError(
    `${objectUrl(source)}: ids must be unique, but some come more than once: ${named.join('; ')}${more}`,
  );
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
