import { z } from 'zod';
import { atMost, bareName, bucketName, nonEmpty, objectKey } from './fields.ts';

/**
 * Bytes of a file name and of an id. A batch zip's name is longer by up to `-part2000`, and must fit
 * the 255 that a file system has; a child run's id is made of all three, and Temporal allows 1,000.
 */
const MAX_FILE_NAME_BYTES = 240;
const MAX_ID_BYTES = 200;

/** Bytes of a folder: with a batch zip's name behind it, it must fit S3's 1,024 for a key. */
const MAX_FOLDER_BYTES = 700;

/**
 * What a split run is told. The same as the trigger message, but that a run started by hand may have
 * nobody to tell its result.
 */
export const splitJobSchema = z.object({
  /** Id of the export record at the client; returned unchanged, type kept. */
  downloadId: z.union([z.int(), nonEmpty.refine(...atMost(MAX_ID_BYTES))], {
    error: 'expected an integer or text',
  }),
  /** Bare name of the archive; the batch zips are named after it. */
  file: bareName(MAX_FILE_NAME_BYTES),
  /** S3 key of the archive. */
  exportPath: objectKey,
  /** Size of the archive in bytes, as the client knows it. */
  totalSize: z.int().nonnegative({ error: 'expected a size in bytes, from 0 up' }),
  /** Bucket of the archive and of the batch zips. */
  s3Bucket: bucketName,
  /** SQS URL for the result. */
  updatesQueueUrl: z.url({ error: 'expected the URL of an SQS queue' }).optional(),
});

/** See {@link splitJobSchema}. */
export type SplitJob = z.infer<typeof splitJobSchema>;

/** The trigger message of the split queue: a job that names where its result goes. */
export const splitMessageSchema = splitJobSchema.required({ updatesQueueUrl: true });

/** What a message that can't be taken must still have, for its sender to be told so. */
export const splitReplySchema = splitMessageSchema.pick({
  downloadId: true,
  updatesQueueUrl: true,
});

/** Settings of a single run, over those of the worker. */
export const splitOptionsSchema = z.object({
  /** Rows a batch zip. */
  batchSize: z.int().min(1, { error: 'expected a number of rows from 1 up' }).optional(),
  /** Folder under `batch/` for the batch zips, with a slash at its end. */
  folder: z
    .string()
    .regex(/^([^\0]*\/)?$/, { error: 'expected a folder, with a slash at its end' })
    .refine(...atMost(MAX_FOLDER_BYTES))
    .optional(),
  /** The version of the archive: another one is not split. */
  etag: nonEmpty.optional(),
});

/** See {@link splitOptionsSchema}. */
export type SplitOptions = z.infer<typeof splitOptionsSchema>;

/** The client routes a result by this name. */
const RESULT_FUNCTION = 'BiospexBatchCreator';

/** The result message: once a run, when every batch zip can be read in S3. */
export interface SplitSuccess {
  readonly function: typeof RESULT_FUNCTION;
  readonly status: 'success';
  readonly downloadId: SplitJob['downloadId'];
  /** Names, in order; they lie under `batch/`, and are bare unless the run was given a folder. */
  readonly batchFiles: readonly string[];
}

/** The result message of a run that made nothing that counts. */
export interface SplitFailure {
  readonly function: typeof RESULT_FUNCTION;
  readonly status: 'failed';
  readonly downloadId: SplitJob['downloadId'];
  readonly error: string;
}

export function splitSuccess(
  downloadId: SplitJob['downloadId'],
  batchFiles: readonly string[],
): SplitSuccess {
  return { function: RESULT_FUNCTION, status: 'success', downloadId, batchFiles };
}

export function splitFailure(downloadId: SplitJob['downloadId'], error: string): SplitFailure {
  return { function: RESULT_FUNCTION, status: 'failed', downloadId, error: deliverable(error) };
}

/**
 * Phrases that the client's listener takes for a fault of its own, so that it drops the message; and
 * what is said instead. In this order, no replacement makes one of them with the text beside it.
 */
const REWORDED = [
  [/Unknown function:/gi, 'Unfamiliar function:'],
  [/Invalid JSON/gi, 'Broken JSON'],
  [/Missing function/gi, 'Absent function'],
  [/not found/gi, 'absent'],
] as const;

/** The two characters of XML's and so of SQS's refusal that JSON does not escape. */
const REFUSED_BY_SQS = /[\ufffe\uffff]/g;

/** An error, which may quote names out of an archive, as it reaches the client. */
function deliverable(error: string): string {
  return REWORDED.reduce(
    (text, [phrase, other]) => text.replace(phrase, other),
    error.replace(REFUSED_BY_SQS, '\ufffd'),
  );
}
