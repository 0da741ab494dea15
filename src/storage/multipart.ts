import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import {
  accessError,
  isMissing,
  isPreconditionFailed,
  ObjectChangedError,
  type ObjectLocation,
  type ObjectVersion,
  UploadGoneError,
} from './errors.ts';

/** A multipart upload that is under way. */
export interface MultipartUpload extends ObjectLocation {
  readonly uploadId: string;
}

/** A part that S3 has. Size in bytes. */
export interface UploadedPart {
  readonly number: number;
  readonly etag: string;
  readonly size: number;
}

/** What a finished object says of itself, beside its bytes. */
export interface ObjectHeaders {
  readonly contentType: string;
  /** How a browser saves it, RFC 6266. */
  readonly contentDisposition?: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Begins an upload. It is not broken off: nobody would know of one that S3 has begun all the same, and
 * its parts could not be found nor given up. Throws {@link AccessDeniedError}.
 */
export async function createUpload(
  s3: S3Client,
  target: ObjectLocation,
  { contentType, contentDisposition, metadata }: ObjectHeaders,
): Promise<MultipartUpload> {
  try {
    const { UploadId } = await s3.send(
      new CreateMultipartUploadCommand({
        Bucket: target.bucket,
        Key: target.key,
        ContentType: contentType,
        ContentDisposition: contentDisposition,
        Metadata: metadata,
      }),
    );
    return { ...target, uploadId: UploadId as string };
  } catch (error) {
    throw accessError(error, target, 'CreateMultipartUpload');
  }
}

/** Numbers of parts, both included. */
export interface PartNumbers {
  readonly first: number;
  readonly last: number;
}

const ALL_PARTS: PartNumbers = { first: 1, last: 10_000 };

/** The parts that S3 has, by number; of all, or of some neighbours. Throws {@link UploadGoneError}. */
export async function listParts(
  s3: S3Client,
  upload: MultipartUpload,
  signal: AbortSignal,
  { first, last }: PartNumbers = ALL_PARTS,
): Promise<Map<number, UploadedPart>> {
  const parts = new Map<number, UploadedPart>();
  let marker: string | undefined = first > 1 ? String(first - 1) : undefined;
  do {
    const page = await s3
      .send(new ListPartsCommand({ ...names(upload), PartNumberMarker: marker }), {
        abortSignal: signal,
      })
      .catch((error) => {
        throw uploadError(error, upload, 'ListParts');
      });
    for (const { PartNumber: number = 0, ETag: etag = '', Size: size = 0 } of page.Parts ?? []) {
      if (number <= last) parts.set(number, { number, etag, size });
    }
    const next = page.IsTruncated ? page.NextPartNumberMarker : undefined;
    marker = Number(next) < last ? next : undefined;
  } while (marker !== undefined);
  return parts;
}

/** Uploads a part from memory. */
export function uploadPart(
  s3: S3Client,
  upload: MultipartUpload,
  number: number,
  body: Buffer,
  signal: AbortSignal,
): Promise<UploadedPart> {
  return sendPart(s3, upload, { number, body, size: body.length }, signal);
}

/**
 * Uploads a part of `size` bytes as they come. A stream can't be sent a second time: what fails on the
 * way is for the caller to try again.
 */
export function streamPart(
  s3: S3Client,
  upload: MultipartUpload,
  number: number,
  chunks: AsyncIterable<Buffer>,
  size: number,
  signal: AbortSignal,
): Promise<UploadedPart> {
  const body = Readable.from(chunks, { objectMode: false });
  return sendPart(s3, upload, { number, body, size }, signal);
}

async function sendPart(
  s3: S3Client,
  upload: MultipartUpload,
  { number, body, size }: { number: number; body: Buffer | Readable; size: number },
  signal: AbortSignal,
): Promise<UploadedPart> {
  try {
    const { ETag: etag = '' } = await s3.send(
      new UploadPartCommand({
        ...names(upload),
        PartNumber: number,
        Body: body,
        ContentLength: size,
      }),
      { abortSignal: signal },
    );
    return { number, etag, size };
  } catch (error) {
    throw uploadError(error, upload, 'UploadPart');
  }
}

/**
 * Lets S3 copy a range of the source into a part: `size` bytes from `start`. Throws
 * {@link ObjectChangedError} where the source is no longer the version that was planned on.
 */
export async function copyPart(
  s3: S3Client,
  upload: MultipartUpload,
  source: ObjectVersion,
  part: { readonly number: number; readonly start: number; readonly size: number },
  signal: AbortSignal,
): Promise<UploadedPart> {
  try {
    const { CopyPartResult } = await s3.send(
      new UploadPartCopyCommand({
        ...names(upload),
        PartNumber: part.number,
        CopySource: `${source.bucket}/${encodeKey(source.key)}`,
        CopySourceIfMatch: source.etag,
        CopySourceRange: `bytes=${part.start}-${part.start + part.size - 1}`,
      }),
      { abortSignal: signal },
    );
    return { number: part.number, etag: CopyPartResult?.ETag ?? '', size: part.size };
  } catch (error) {
    if (isPreconditionFailed(error)) throw new ObjectChangedError(source, { cause: error });
    if (isMissing(error) && (error as Error).name !== 'NoSuchUpload') {
      throw new ObjectChangedError(source, { cause: error });
    }
    throw uploadError(error, upload, 'UploadPartCopy');
  }
}

/** Makes the parts, given in order, into the object. Throws {@link UploadGoneError}. */
export async function completeUpload(
  s3: S3Client,
  upload: MultipartUpload,
  parts: readonly UploadedPart[],
  signal: AbortSignal,
): Promise<void> {
  try {
    await s3.send(
      new CompleteMultipartUploadCommand({
        ...names(upload),
        MultipartUpload: {
          Parts: parts.map(({ number, etag }) => ({ PartNumber: number, ETag: etag })),
        },
      }),
      { abortSignal: signal },
    );
  } catch (error) {
    throw uploadError(error, upload, 'CompleteMultipartUpload');
  }
}

/** Gives an upload up, so that its parts are no longer stored (and paid for). Gone already is fine. */
export async function abortUpload(s3: S3Client, upload: MultipartUpload): Promise<void> {
  try {
    await s3.send(new AbortMultipartUploadCommand(names(upload)));
  } catch (error) {
    if (!isMissing(error)) throw accessError(error, upload, 'AbortMultipartUpload');
  }
}

function uploadError(error: unknown, upload: MultipartUpload, call: string): unknown {
  if (isMissing(error)) return new UploadGoneError(upload, { cause: error });
  return accessError(error, upload, call);
}

function names({ bucket, key, uploadId }: MultipartUpload) {
  return { Bucket: bucket, Key: key, UploadId: uploadId };
}

/** `x-amz-copy-source` is a URL-encoded path; the slashes between a key's segments stay. */
function encodeKey(key: string): string {
  return key.split('/').map(encodeURIComponent).join('/');
}
