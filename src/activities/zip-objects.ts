import type { S3Client } from '@aws-sdk/client-s3';
import { decode, encode } from '../archive/json-file.ts';
import type { PlannedSource } from '../archive/zip-shard-file.ts';
import { getObject, putObject } from '../storage/objects.ts';
import { currentRun, workingPrefix } from './working-objects.ts';

/** An object that goes into an archive, and what the archive makes of it. */
export type InspectedFile = Required<PlannedSource>;

/** A stretch of a job's files as they were inspected; what is absent is named instead. */
export interface InspectedStretch {
  readonly files: readonly InspectedFile[];
  /** As `s3://bucket/key`. */
  readonly missing: readonly string[];
}

/** What a zip run writes down in S3, among its working objects, for the activities that come later. */
export class ZipObjects {
  readonly #s3: S3Client;
  readonly bucket: string;
  readonly #prefix: string;

  constructor(s3: S3Client, bucket: string) {
    this.#s3 = s3;
    this.bucket = bucket;
    this.#prefix = workingPrefix(currentRun().workflowId);
  }

  locate(name: string) {
    return { bucket: this.bucket, key: `${this.#prefix}${name}` };
  }

  /** Writes down what is JSON; gives the bytes that were written. */
  async save(name: string, json: object, signal: AbortSignal): Promise<number> {
    return this.put(name, encode(json), signal);
  }

  async put(name: string, bytes: Buffer, signal: AbortSignal): Promise<number> {
    await putObject(this.#s3, this.locate(name), bytes, signal);
    return bytes.length;
  }

  async load<T>(name: string, signal: AbortSignal): Promise<T> {
    return decode<T>(await this.get(name, signal));
  }

  get(name: string, signal: AbortSignal): Promise<Buffer> {
    return getObject(this.#s3, this.locate(name), signal);
  }

  /** The files of a job in order, from stretches that are numbered from 1. */
  async loadFiles(stretches: number, signal: AbortSignal): Promise<readonly InspectedFile[]> {
    return (await this.loadStretches(stretches, signal)).files;
  }

  /** All stretches as one. */
  async loadStretches(stretches: number, signal: AbortSignal): Promise<InspectedStretch> {
    const files: InspectedFile[] = [];
    const missing: string[] = [];
    for (let number = 1; number <= stretches; number++) {
      const stretch = await this.load<InspectedStretch>(stretchName(number), signal);
      for (const file of stretch.files) files.push(file);
      for (const url of stretch.missing) missing.push(url);
    }
    return { files, missing };
  }
}

/** A stretch of the files, as they were inspected. */
export const stretchName = (number: number) => `files-${number}.json.gz`;

/** The plan of a shard, and of what is made when all shards are done. */
export const shardName = (number: number) => `shard-${number}.json.gz`;
export const LAST_SHARD = 'shard-last.json.gz';

/** The CRC-32s that building a shard has told. */
export const crcsName = (number: number) => `crcs-${number}.json.gz`;

/** What a group of files is deflated to. */
export const deflatedName = (number: number) => `deflated-${number}.zip`;
