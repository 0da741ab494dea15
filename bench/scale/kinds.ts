import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { formatBytes } from '../../src/cli/format.ts';
import { generatedItem } from '../../src/items/generated-items.ts';
import type { ItemsFailure, ItemsJobInput, ItemsResult } from '../../src/messages/items.ts';
import type { SplitFailure, SplitJob, SplitSuccess } from '../../src/messages/split.ts';
import { inLanes } from '../../src/storage/lanes.ts';
import type { Arena } from '../contest/arena.ts';
import { makeArchive } from '../split/archive.ts';
import type { ScaleQueues } from './queues.ts';

/** A kind of job that workers are measured with. */
export interface Kind {
  readonly name: string;
  /** One of its jobs, in words. */
  readonly job: string;
  settings(queues: ScaleQueues): Record<string, string>;
  /** Puts into S3 what jobs of these names need. */
  prepare(arena: Arena, names: readonly string[]): Promise<void>;
  /** The trigger message of a job. */
  message(name: string, queues: ScaleQueues): string;
  /** The name of the job that a result message is of. Throws where it did not succeed. */
  nameOf(body: string): string;
  /** Looks at what jobs of these names have made. Throws where something is missing. */
  check(arena: Arena, names: readonly string[]): Promise<void>;
}

/** Archives that are small: 3 batch zips of 2 MB each, which no S3 can copy in ranges. */
const IMAGES = 60;
const IMAGE_BYTES = 100_000;
const BATCH_SIZE = 20;

/** Uploads of archives at once. */
const UPLOADS_AT_ONCE = 4;

/** The bucket of the archives; the stack has it from the start. */
const BUCKET = 'source-images';

/** Jobs that compute: each splits a small archive of its own. */
const splits: Kind = {
  name: 'splits',
  job: `the split of a ZIP of ${formatBytes(IMAGES * IMAGE_BYTES)} into ${IMAGES / BATCH_SIZE} batch zips`,

  settings: ({ triggers }) => ({ SPLIT_QUEUE_URL: triggers, BATCH_SIZE: String(BATCH_SIZE) }),

  async prepare({ s3, folder, signal }, names) {
    const archive = await makeArchive(
      {
        ...{ source: 'zip', images: IMAGES, imageBytes: IMAGE_BYTES, batchSize: BATCH_SIZE },
        ...{ shuffle: false, compressible: false },
      },
      folder,
    );
    await inLanes(names, UPLOADS_AT_ONCE, signal, (name) =>
      archive.upload(s3, { bucket: BUCKET, key: keyOf(name) }),
    );
  },

  message(name, { results }) {
    const message: SplitJob = {
      ...{ downloadId: name, file: `${name}.zip`, exportPath: keyOf(name), s3Bucket: BUCKET },
      ...{ totalSize: IMAGES * IMAGE_BYTES, updatesQueueUrl: results },
    };
    return JSON.stringify(message);
  },

  nameOf(body) {
    const result: SplitSuccess | SplitFailure = JSON.parse(body);
    if (result.status === 'failed') throw new Error(`A run failed: ${result.error}`);
    return String(result.downloadId);
  },

  async check({ s3 }, names) {
    const sizes = new Map<string, number | undefined>();
    for (let token: string | undefined, more = true; more; more = token !== undefined) {
      const list = { Bucket: BUCKET, Prefix: 'batch/', ContinuationToken: token };
      const page = await s3.send(new ListObjectsV2Command(list));
      for (const { Key = '', Size } of page.Contents ?? []) sizes.set(Key, Size);
      token = page.NextContinuationToken;
    }
    // The archives are alike, and so are their batch zips.
    for (const name of names) {
      for (let part = 1; part <= IMAGES / BATCH_SIZE; part++) {
        const [size, usual] = [name, names[0]].map((of) =>
          sizes.get(`batch/${of}-part${part}.zip`),
        );
        if (!size || size !== usual) {
          throw new Error(`${name}-part${part}.zip: expected ${usual} bytes, got ${size}`);
        }
      }
    }
  },
};

function keyOf(name: string): string {
  return `export/${name}.zip`;
}

/** Items of a batch that waits, one after the other, and how long they take together (ms). */
const ITEMS = 10;
const WAIT_MS = 5_000;

/** The factor that makes the items' own times that long. */
const TIME_SCALE =
  WAIT_MS /
  Array.from({ length: ITEMS }, (_, index) => generatedItem(1, index).value).reduce(
    (a, b) => a + b,
  );

/** Jobs that wait, as for somebody else's service: batches of items that sleep. */
const waits: Kind = {
  name: 'waits',
  job: `a batch of ${ITEMS} items that wait, one after the other, for ${WAIT_MS / 1000} s together`,

  settings: ({ triggers }) => ({ ITEMS_QUEUE_URL: triggers }),

  async prepare() {},

  message(batchId, { results: notifyQueueUrl }) {
    const message: ItemsJobInput = {
      ...{ batchId, processor: 'sleep', itemConcurrency: 1, timeScale: TIME_SCALE },
      ...{ source: { generate: { count: ITEMS } }, notifyQueueUrl },
    };
    return JSON.stringify(message);
  },

  nameOf(body) {
    const result: ItemsResult | ItemsFailure = JSON.parse(body);
    if (result.succeeded !== ITEMS) throw new Error(`A batch did not succeed: ${body}`);
    return result.batchId;
  },

  async check() {},
};

/** The kinds of jobs that workers are measured with, by their names. */
export const KINDS = { splits, waits } as const;
