import type { S3Client } from '@aws-sdk/client-s3';
import { decode, encode } from '../archive/json-file.ts';
import type { IndexEntry } from '../items/file-planner.ts';
import type { Mark } from '../items/low-water.ts';
import type { ObjectLocation } from '../storage/errors.ts';
import { inLanes } from '../storage/lanes.ts';
import { getObject, headObject, listObjects, putObject } from '../storage/objects.ts';

/** Where a batch keeps what a later run of the same batch goes on from. */
export interface BatchState {
  readonly bucket: string;
  /** Ends in a slash. */
  readonly prefix: string;
}

/** The sparse index of a shard: its chunks in order. */
export interface ShardIndex {
  /** The header of a CSV file. */
  readonly columns?: readonly string[];
  readonly chunks: readonly IndexEntry[];
}

/**
 * How far a chunk is, and where its failures are written down: `<writer>:<n>` stands for the objects 1
 * to n of one attempt.
 */
export interface ChunkRecord extends Mark {
  readonly failures: readonly string[];
}

/** Records that are read at once. */
const READ_LANES = 16;

/** What a batch writes down in S3. Shards and chunks are numbered from 1. */
export class ItemObjects {
  readonly #s3: S3Client;
  readonly #state: BatchState;

  constructor(s3: S3Client, state: BatchState) {
    this.#s3 = s3;
    this.#state = state;
  }

  locate(name: string): ObjectLocation {
    const { bucket, prefix } = this.#state;
    return { bucket, key: `${prefix}${name}` };
  }

  save(name: string, json: object, signal: AbortSignal): Promise<void> {
    return putObject(this.#s3, this.locate(name), encode(json), signal);
  }

  async load<T>(name: string, signal: AbortSignal): Promise<T> {
    return decode<T>(await getObject(this.#s3, this.locate(name), signal));
  }

  /** What was saved, or undefined where nothing was. */
  async find<T>(name: string, signal: AbortSignal): Promise<T | undefined> {
    const head = await headObject(this.#s3, this.locate(name), signal);
    return head && this.load<T>(name, signal);
  }

  put(name: string, bytes: Buffer, signal?: AbortSignal): Promise<void> {
    return putObject(this.#s3, this.locate(name), bytes, signal);
  }

  get(name: string, signal: AbortSignal): Promise<Buffer> {
    return getObject(this.#s3, this.locate(name), signal);
  }

  /** Whether any chunk has been recorded. */
  async hasRecords(signal: AbortSignal): Promise<boolean> {
    const { bucket, key } = this.locate('chunks/');
    for await (const _ of listObjects(this.#s3, bucket, key, signal)) return true;
    return false;
  }

  /** Records how far a chunk is, under a name that no other attempt has. */
  saveRecord(shard: number, chunk: number, writer: string, record: ChunkRecord): Promise<void> {
    const name = `chunks/${shard}/${chunk}-${writer}.json`;
    return this.put(name, Buffer.from(JSON.stringify(record)));
  }

  /** The chunks of a shard that have been recorded: of several records, the one that is furthest. */
  async loadRecords(shard: number, signal: AbortSignal): Promise<Map<number, ChunkRecord>> {
    const { bucket, key: prefix } = this.locate(`chunks/${shard}/`);
    const records = new Map<number, ChunkRecord>();
    const objects = listObjects(this.#s3, bucket, prefix, signal);
    await inLanes(objects, READ_LANES, signal, async ({ key }, either) => {
      const bytes = await getObject(this.#s3, { bucket, key }, either);
      const record: ChunkRecord = JSON.parse(bytes.toString('utf8'));
      const chunk = Number.parseInt(key.slice(prefix.length), 10);
      if (record.next > (records.get(chunk)?.next ?? -1)) records.set(chunk, record);
    });
    return records;
  }
}

/** The plan of a batch. */
export const PLAN = 'plan.json.gz';

/** The sparse index of a shard. */
export const indexName = (shard: number) => `index/${shard}.json.gz`;

/** A sorted run of hashes of ids. */
export const keysName = (run: number) => `keys/${run}.bin`;

/** Failures that one attempt at a chunk has met, in one of its objects. */
export const failuresName = (shard: number, chunk: number, writer: string, number: number) =>
  `failures/${shard}/${chunk}-${writer}-${number}.ndjson`;

/** All failures of a shard, as one run of it has them. */
export const gatheredName = (shard: number, run: string) => `gathered/${shard}-${run}.ndjson`;

/** A run's id for names: the end of it, since the beginning may be the time. */
export function runTag(runId: string): string {
  return runId.slice(-12);
}
