import type { Readable } from 'node:stream';
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandInput,
  type HeadObjectCommandOutput,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { RangeReader } from '../archive/range-reader.ts';
import {
  AccessDeniedError,
  accessError,
  isMissing,
  isPreconditionFailed,
  ObjectChangedError,
  type ObjectLocation,
  ObjectMissingError,
  type ObjectVersion,
} from './errors.ts';

/** What HEAD says of an object: its version and the metadata that its writer gave it. */
export interface ObjectHead extends ObjectVersion {
  readonly metadata: Readonly<Record<string, string>>;
}

/** Asks S3 for an object; undefined where there is none. Throws {@link AccessDeniedError}. */
export async function headObject(
  s3: S3Client,
  location: ObjectLocation,
  signal?: AbortSignal,
): Promise<ObjectHead | undefined> {
  const head = await sendHead(s3, location, {}, signal);
  return head && { ...location, ...versionOf(head), metadata: head.Metadata ?? {} };
}

/**
 * The version of an object, and its size in bytes where the store says; undefined where there is no
 * object. Throws {@link AccessDeniedError}.
 */
export async function headFile(
  s3: S3Client,
  location: ObjectLocation,
  signal: AbortSignal,
): Promise<{ readonly etag: string; readonly size: number | undefined } | undefined> {
  const head = await sendHead(s3, location, {}, signal);
  return head && { etag: head.ETag ?? '', size: head.ContentLength };
}

/** What HEAD says of an object that is to go into an archive. */
export interface SourceHead extends ObjectVersion {
  readonly lastModified: Date;
  /** Of all its bytes, where S3 was given it at the upload; of parts, as older multipart uploads have, it is no use. */
  readonly crc32: number | undefined;
}

/** Asks S3 for an object and its CRC-32; undefined where there is none. Throws {@link AccessDeniedError}. */
export async function headSource(
  s3: S3Client,
  location: ObjectLocation,
  signal: AbortSignal,
): Promise<SourceHead | undefined> {
  const head = await sendHead(s3, location, { ChecksumMode: 'ENABLED' }, signal);
  if (!head) return undefined;
  const { bucket, key } = location;
  const isWhole = head.ChecksumType !== 'COMPOSITE';
  return {
    bucket,
    key,
    ...versionOf(head),
    lastModified: head.LastModified ?? new Date(0),
    crc32: isWhole ? decodeCrc32(head.ChecksumCRC32) : undefined,
  };
}

async function sendHead(
  s3: S3Client,
  location: ObjectLocation,
  options: Pick<HeadObjectCommandInput, 'ChecksumMode'>,
  signal: AbortSignal | undefined,
): Promise<HeadObjectCommandOutput | undefined> {
  const { bucket: Bucket, key: Key } = location;
  try {
    const command = new HeadObjectCommand({ Bucket, Key, ...options });
    return await s3.send(command, abortable(signal));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw accessError(error, location, 'HeadObject');
  }
}

function versionOf({ ETag: etag = '', ContentLength: size = 0 }: HeadObjectCommandOutput) {
  return { etag, size };
}

/** S3 gives a CRC-32 as four bytes, most significant first, in base64; one of parts ends in their number. */
function decodeCrc32(checksum: string | undefined): number | undefined {
  if (!checksum || checksum.includes('-')) return undefined;
  const bytes = Buffer.from(checksum, 'base64');
  return bytes.length === 4 ? bytes.readUInt32BE(0) : undefined;
}

/**
 * The bytes of one version of an object, as they arrive, from `start` up to, not including, `end`.
 * Throws {@link ObjectChangedError} once the version is no longer there, and an ordinary error where
 * the connection gives fewer bytes than asked for.
 */
export async function* streamRange(
  s3: S3Client,
  version: ObjectVersion,
  start: number,
  end: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  if (start >= end) return;
  const body = await getRange(s3, version, start, end, signal);
  let received = 0;
  for await (const chunk of body) {
    received += chunk.length;
    yield chunk;
  }
  if (received !== end - start) {
    throw new Error(
      `Expected ${end - start} bytes from ${start} of s3://${version.bucket}/${version.key}, got ${received}`,
    );
  }
}

/** Reads of one version of an object, for code that knows nothing of S3. */
export function objectReader(
  s3: S3Client,
  version: ObjectVersion,
  signal: AbortSignal,
): RangeReader {
  return {
    size: version.size,
    read: (start, end) => readRange(s3, version, start, end, signal),
  };
}

/**
 * The bytes of a range in one buffer; see {@link streamRange}. `room`, where it is given, is the buffer
 * that they are read into; the result is a view of it.
 */
export async function readRange(
  s3: S3Client,
  version: ObjectVersion,
  start: number,
  end: number,
  signal: AbortSignal,
  room?: Buffer,
): Promise<Buffer> {
  const bytes = room?.subarray(0, end - start) ?? Buffer.allocUnsafe(end - start);
  let position = 0;
  for await (const chunk of streamRange(s3, version, start, end, signal)) {
    position += chunk.copy(bytes, position);
  }
  return bytes;
}

/** Writes a small object of ours. */
export async function putObject(
  s3: S3Client,
  location: ObjectLocation,
  body: Buffer,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await s3.send(
      new PutObjectCommand({ Bucket: location.bucket, Key: location.key, Body: body }),
      abortable(signal),
    );
  } catch (error) {
    throw accessError(error, location, 'PutObject');
  }
}

/** Reads a small object of ours, whole. Throws {@link ObjectMissingError}. */
export async function getObject(
  s3: S3Client,
  location: ObjectLocation,
  signal?: AbortSignal,
): Promise<Buffer> {
  try {
    const { Body } = await s3.send(
      new GetObjectCommand({ Bucket: location.bucket, Key: location.key }),
      abortable(signal),
    );
    return Buffer.concat(await Array.fromAsync(Body as Readable));
  } catch (error) {
    if (isMissing(error)) throw new ObjectMissingError(location, { cause: error });
    throw accessError(error, location, 'GetObject');
  }
}

/** An object of a listing. Size in bytes. */
export interface ListedObject {
  readonly key: string;
  readonly size: number;
}

/** The objects whose keys begin with `prefix`, in the order of their keys. A bucket that is gone has none. */
export async function* listObjects(
  s3: S3Client,
  bucket: string,
  prefix: string,
  signal?: AbortSignal,
): AsyncGenerator<ListedObject> {
  let token: string | undefined;
  do {
    const page = await listPage(
      s3,
      { Bucket: bucket, Prefix: prefix, ContinuationToken: token },
      signal,
    );
    for (const { Key: key = '', Size: size = 0 } of page.Contents ?? []) yield { key, size };
    token = page.IsTruncated ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
}

/** Deletes every object whose key begins with `prefix`. Deleting nothing is fine, and so is a bucket that is gone. */
export async function deletePrefix(
  s3: S3Client,
  bucket: string,
  prefix: string,
  signal?: AbortSignal,
): Promise<void> {
  for (;;) {
    // From the start each time: what has been deleted is no longer listed.
    const page = await listPage(s3, { Bucket: bucket, Prefix: prefix }, signal);
    const keys = (page.Contents ?? []).map(({ Key }) => ({ Key }));
    if (keys.length === 0) return;
    const { Errors } = await s3.send(
      new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: keys, Quiet: true } }),
      abortable(signal),
    );
    const [first] = Errors ?? [];
    if (first?.Code === 'AccessDenied') {
      throw new AccessDeniedError({ bucket, key: first.Key ?? '' }, 'DeleteObject');
    }
    if (first) throw new Error(`S3 can't delete s3://${bucket}/${first.Key}: ${first.Message}`);
  }
}

async function listPage(
  s3: S3Client,
  input: ListObjectsV2CommandInput,
  signal: AbortSignal | undefined,
): Promise<Pick<ListObjectsV2CommandOutput, 'Contents' | 'IsTruncated' | 'NextContinuationToken'>> {
  try {
    return await s3.send(new ListObjectsV2Command(input), abortable(signal));
  } catch (error) {
    if (isMissing(error)) return {};
    throw error;
  }
}

async function getRange(
  s3: S3Client,
  version: ObjectVersion,
  start: number,
  end: number,
  signal: AbortSignal,
): Promise<Readable> {
  try {
    const { Body } = await s3.send(
      new GetObjectCommand({
        Bucket: version.bucket,
        Key: version.key,
        IfMatch: version.etag,
        Range: `bytes=${start}-${end - 1}`,
      }),
      abortable(signal),
    );
    return Body as Readable;
  } catch (error) {
    if (isMissing(error) || isPreconditionFailed(error)) {
      throw new ObjectChangedError(version, { cause: error });
    }
    throw accessError(error, version, 'GetObject');
  }
}

function abortable(signal: AbortSignal | undefined) {
  return signal ? { abortSignal: signal } : {};
}
