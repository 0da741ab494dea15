import { z } from 'zod';
import { pathFlaw } from '../archive/safe-path.ts';
import { bareName, MAX_KEY_BYTES, parseS3Url, S3_URL } from './fields.ts';

/** Bytes of an archive's name; with `.zip` it must fit the 255 that a file system has. */
const MAX_ARCHIVE_NAME_BYTES = 240;

/** Where a source lies; the bucket is undefined where it is the one that the worker is set to. */
export interface SourceLocation {
  readonly bucket: string | undefined;
  readonly key: string;
}

/** Takes a `source` apart: a key, or `s3://bucket/key`. Undefined where it is neither. */
export function parseSource(source: string): SourceLocation | undefined {
  if (!source.startsWith('s3://')) return { bucket: undefined, key: source };
  return parseS3Url(source);
}

/** The last segment of a key: the name that the file gets. */
export function baseNameOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

/** UTF-8 has no lone surrogates, and S3 no other text. */
const NOT_WELL_FORMED = 'expected text that UTF-8 can say';

const source = z.string().check(({ value, issues }) => {
  const flaw = sourceFlaw(value);
  if (flaw) issues.push(fault(value, flaw));
});

function sourceFlaw(value: string): string | undefined {
  const { key } = parseSource(value) ?? {};
  if (value === '') return 'expected text that is not empty';
  if (!key) return 'expected a key, or s3://bucket/key';
  if (!key.isWellFormed()) return NOT_WELL_FORMED;
  if (new TextEncoder().encode(key).length > MAX_KEY_BYTES) {
    return `expected a key of at most ${MAX_KEY_BYTES} bytes`;
  }
  const name = baseNameOf(key);
  const flaw = name === '.' ? 'the name is a dot' : pathFlaw(name);
  return flaw && `expected a key that ends in a file's name: ${flaw}`;
}

const destination = z.string().check(({ value, issues }) => {
  if (!value.isWellFormed()) issues.push(fault(value, NOT_WELL_FORMED));
  const flaw = value === '' ? undefined : pathFlaw(value);
  if (flaw) issues.push(fault(value, `expected a folder in the archive: ${flaw}`));
});

/** A file that goes into the archive. */
export const zipFileSchema = z.object({
  /** A key in `S3_SOURCE_BUCKET`, or `s3://bucket/key`. */
  source,
  /** Folder in the archive; its root by default. */
  destination: destination.nullish(),
});

/** See {@link zipFileSchema}. */
export type ZipFile = z.infer<typeof zipFileSchema>;

/** The files of a job, where they stand in an object of their own. */
export const fileListSchema = z.object({
  files: z.array(zipFileSchema).min(1, { error: 'expected one file or more' }),
});

const fields = z.object({
  files: fileListSchema.shape.files.optional(),
  /** In place of `files`, for more of them than a message holds: the object `{"files":[…]}`, as `s3://bucket/key`. */
  fileList: z.string().regex(S3_URL, { error: 'expected s3://bucket/key' }).nullish(),
  /** Returned unchanged. */
  metadata: z.unknown().optional(),
  /** What the archive is called, with or without `.zip`; by default the id of the job. */
  archiveName: bareName(MAX_ARCHIVE_NAME_BYTES).nullish(),
  compression: z
    .enum(['store', 'deflate'], { error: 'expected store or deflate' })
    .nullish()
    .transform((value) => value ?? 'store'),
});

/** What a zip run is told, and the trigger message of its queue. */
export const zipJobSchema = fields.check(({ value, issues }) => {
  if (value.files && value.fileList) {
    issues.push(fault(value.fileList, 'expected either files or fileList', ['fileList']));
  } else if (!value.files && !value.fileList) {
    issues.push(fault(undefined, 'expected one file or more', ['files']));
  }
});

/** What goes into {@link zipJobSchema}. */
export type ZipJob = z.input<typeof zipJobSchema>;

/** A job in a line, for people. */
export function zipSummary({ files, fileList, archiveName }: ZipJob): string {
  const count = files && `${files.length} file${files.length === 1 ? '' : 's'}`;
  const into = archiveName ? ` into ${archiveName}` : '';
  return `Zip ${count ?? `the files of ${fileList}`}${into}`;
}

/** What a message that can't be taken must still have, for its sender to be told so. */
export const zipReplySchema = fields.pick({ metadata: true });

/** An entry that is not called what its file is called, because that name was taken. */
export interface RenamedFile {
  /** As `s3://bucket/key`. */
  readonly source: string;
  /** Its path in the archive. */
  readonly name: string;
}

/** The result message of a run that has made its archive. */
export interface ZipSuccess {
  readonly status: 'success';
  /** Link to the archive. */
  readonly archiveUrl: string;
  readonly bucket: string;
  readonly key: string;
  /** In bytes. */
  readonly size: number;
  /** Files in the archive. */
  readonly files: number;
  readonly renamed: readonly RenamedFile[];
  readonly metadata?: ZipJob['metadata'];
}

/** The result message of a run without an archive. */
export interface ZipFailure {
  readonly status: 'failed';
  readonly error: string;
  /** Sources that are not there, as `s3://bucket/key`. */
  readonly missing: readonly string[];
  readonly metadata?: ZipJob['metadata'];
}

export function zipFailure(
  error: string,
  missing: readonly string[],
  metadata: ZipJob['metadata'],
): ZipFailure {
  return { status: 'failed', error, missing, ...(metadata !== undefined && { metadata }) };
}

function fault(input: unknown, message: string, path: PropertyKey[] = []) {
  return { code: 'custom' as const, input, message, path };
}
