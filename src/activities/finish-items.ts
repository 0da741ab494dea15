import type { S3Client } from '@aws-sdk/client-s3';
import { CountMismatch } from '../items/errors.ts';
import type { Budget } from '../storage/budget.ts';
import { ObjectMissingError, objectUrl } from '../storage/errors.ts';
import { headObject, streamRange } from '../storage/objects.ts';
import { UPLOAD_BYTES, upload } from '../storage/upload.ts';
import { readFailures } from './chunk-log.ts';
import { heartbeating } from './heartbeat.ts';
import {
  type BatchState,
  type ChunkRecord,
  gatheredName,
  ItemObjects,
  runTag,
} from './item-objects.ts';
import { currentRun } from './working-objects.ts';

const LINE_FEED = 0x0a;

/** The chunks of a shard as a run of it leaves them. */
export interface RecordedShard {
  readonly state: BatchState;
  readonly shard: number;
}

/** Failures of a shard that are to be put together. */
export interface GatherOrder extends RecordedShard {
  /** Each chunk with failures, and where they are. */
  readonly chunks: readonly (readonly [chunk: number, failures: readonly string[]])[];
  /** How many there are. */
  readonly failed: number;
}

/** Failures of a batch that are to be put together. */
export interface PublishOrder {
  readonly state: BatchState;
  readonly batchId: string;
  /** Each shard with failures, and its run. */
  readonly shards: readonly (readonly [shard: number, runId: string])[];
  readonly failed: number;
}

/** Activities at the beginning and the end of shards and batches. */
export function createFinishItemsActivities(dependencies: {
  readonly s3: S3Client;
  readonly bytes: Budget;
}) {
  const { s3, bytes } = dependencies;

  /** Puts failures into one object; they must be so many. */
  async function write(
    name: string,
    target: { bucket: string; key: string },
    failed: number,
    failures: AsyncIterable<Buffer>,
    signal: AbortSignal,
  ): Promise<void> {
    let lines = 0;
    const counted = async function* () {
      for await (const chunk of failures) {
        lines += countLines(chunk);
        yield chunk;
      }
      // Before the upload is complete: what is wrong is not put in its place.
      if (lines !== failed) throw new CountMismatch(name, `${failed} failures`, `${lines}`);
    };
    await bytes.spend(UPLOAD_BYTES, signal, () => upload(s3, counted(), target, () => {}, signal));
  }

  return {
    /** How far an earlier run has come with the chunks of a shard, by their numbers. */
    async readShard({ state, shard }: RecordedShard): Promise<(readonly [number, ChunkRecord])[]> {
      return heartbeating(async ({ signal }) => {
        const records = await new ItemObjects(s3, state).loadRecords(shard, signal);
        return [...records].sort(([one], [other]) => one - other);
      });
    },

    /** Puts the failures of a shard into one object. */
    async gatherFailures(order: GatherOrder): Promise<void> {
      return heartbeating(async ({ signal }) => {
        const { state, shard, chunks, failed } = order;
        const objects = new ItemObjects(s3, state);
        const failures = async function* () {
          for (const [chunk, names] of chunks) {
            yield* readFailures(objects, { shard, chunk }, names, signal);
          }
        };
        const target = objects.locate(gatheredName(shard, runTag(currentRun().runId)));
        await write(`Shard ${shard}`, target, failed, failures(), signal);
      });
    },

    /** Puts the failures of all shards into one object, for people; gives its URL. */
    async publishFailures({ state, batchId, shards, failed }: PublishOrder): Promise<string> {
      return heartbeating(async ({ signal }) => {
        const objects = new ItemObjects(s3, state);
        const failures = async function* () {
          for (const [shard, runId] of shards) {
            const location = objects.locate(gatheredName(shard, runTag(runId)));
            const head = await headObject(s3, location, signal);
            if (!head) throw new ObjectMissingError(location);
            yield* streamRange(s3, head, 0, head.size, signal);
          }
        };
        const target = { bucket: state.bucket, key: failuresKey(batchId) };
        await write('The batch', target, failed, failures(), signal);
        return objectUrl(target);
      });
    },
  };
}

/** Where the failures of a batch lie. */
export function failuresKey(batchId: string): string {
  return `items/${batchId}/failures.ndjson`;
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) lines++;
  return lines;
}
