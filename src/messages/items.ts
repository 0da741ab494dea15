import { z } from 'zod';
import { bareName, bucketName, nonEmpty, objectKey } from './fields.ts';

/** Bytes of a batch's id: it becomes part of S3 keys and workflow ids. */
const MAX_BATCH_ID_BYTES = 150;

/** Items of a made-up batch. */
const MAX_COUNT = 1_000_000_000;

const wholeNumber = (least: number, most: number) =>
  z
    .int({ error: `expected a whole number from ${least} to ${most}` })
    .min(least, { error: `expected a whole number from ${least} to ${most}` })
    .max(most, { error: `expected a whole number from ${least} to ${most}` });

/** A setting that has a default where it is absent or null. */
const defaulted = <T extends z.ZodType>(schema: T, value: z.output<T>) =>
  schema.nullish().transform((given) => given ?? value);

const generated = z.object({
  generate: z.object({
    count: wholeNumber(0, MAX_COUNT),
    /** The same seed makes the same items. */
    seed: defaulted(wholeNumber(0, 2 ** 31 - 1), 1),
  }),
});

const file = z.object({
  bucket: bucketName,
  /** What it ends in says what it is. */
  key: objectKey.regex(/\.(csv|ndjson|jsonl)$/i, {
    error: 'expected a key that ends in .csv, .ndjson or .jsonl',
  }),
});

const source = z.unknown().transform((value, { addIssue }) => {
  const schema = typeof value === 'object' && value !== null && 'generate' in value;
  const parsed = (schema ? generated : file).safeParse(value, { reportInput: true });
  if (parsed.success) return parsed.data;
  for (const { message, path, input, code } of parsed.error.issues) {
    const expected = code === 'invalid_type' ? shapeOf(path) : message;
    addIssue({ code: 'custom', message: expected, path: [...path], input });
  }
  return z.NEVER;
});

function shapeOf(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'expected {"generate":{"count":n}} or {"bucket":"…","key":"…"}';
  return path.length === 1 && path[0] !== 'generate' ? 'expected text' : 'expected a whole number';
}

/** What an items run is told, and the trigger message of its queue. */
export const itemsJobSchema = z.object({
  /** Names the batch: while one of this id is open, there is no other. */
  batchId: bareName(MAX_BATCH_ID_BYTES, 'name'),
  source,
  /** The name of what is done with each item. */
  processor: nonEmpty.max(100, { error: 'expected at most 100 characters' }),
  /** Items that are one activity, and one message of the systems that this replaces. */
  itemsPerChunk: defaulted(wholeNumber(1, 1_000_000), 10_000),
  /** Chunks at once. */
  parallelChunks: defaulted(wholeNumber(1, 2000), 50),
  /** Items of a chunk at once. */
  itemConcurrency: defaulted(wholeNumber(1, 1000), 16),
  /** A factor for the times of the processor. */
  timeScale: defaulted(
    z
      .number({ error: 'expected a number from 0 to 1000' })
      .min(0, { error: 'expected a number from 0 to 1000' })
      .max(1000, { error: 'expected a number from 0 to 1000' }),
    1,
  ),
  /** Time after which an item counts as failed. */
  itemTimeoutSeconds: defaulted(wholeNumber(1, 21_600), 300),
  /** Items a second of the whole batch at most. */
  itemsPerSecond: z
    .number({ error: 'expected a number above 0' })
    .positive({ error: 'expected a number above 0' })
    .max(1_000_000, { error: 'expected at most 1000000' })
    .nullish(),
  /** SQS URL for the result. */
  notifyQueueUrl: z.url({ error: 'expected the URL of an SQS queue' }).nullish(),
});

/** A job as it is sent. */
export type ItemsJobInput = Omit<z.input<typeof itemsJobSchema>, 'source'> & {
  readonly source: ItemsSource;
};

/** A job with its defaults. */
export type ItemsJob = z.output<typeof itemsJobSchema>;

/** Where items come from. */
export type ItemsSource = z.input<typeof generated> | z.input<typeof file>;

/** What a message that can't be taken must still have, for its sender to be told so. */
export const itemsReplySchema = z.object({
  batchId: itemsJobSchema.shape.batchId,
  notifyQueueUrl: z.url(),
});

/** A job in a line, for people. */
export function itemsSummary({
  source,
  processor,
}: Pick<ItemsJob, 'processor'> & { source: ItemsSource }) {
  const items =
    'generate' in source
      ? `${source.generate.count.toLocaleString('en')} items`
      : `the items of s3://${source.bucket}/${source.key}`;
  return `Process ${items} with ${processor}`;
}

/** The result of a batch, and its message: every item has been processed; those that failed are in `failures`. */
export interface ItemsResult {
  readonly batchId: string;
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  /** The failed items' ids and errors, a JSON object a line, as `s3://bucket/key`. */
  readonly failures: string | null;
}

/** The message of a batch that has not come to its end. */
export interface ItemsFailure {
  readonly batchId: string;
  readonly status: 'cancelled' | 'failed';
  readonly error: string;
  /** How far it came; absent where that is not known. */
  readonly total?: number;
  readonly succeeded?: number;
  readonly failed?: number;
  readonly failures?: string | null;
}
