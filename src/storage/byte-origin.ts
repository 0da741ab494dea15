import type { S3Client } from '@aws-sdk/client-s3';
import type { RangeReader } from '../archive/range-reader.ts';
import type { ObjectVersion } from './errors.ts';
import { fileReader, readFileRange, streamFileRange } from './local-file.ts';
import { copyPart, type MultipartUpload, type UploadedPart } from './multipart.ts';
import { objectReader, readRange, streamRange } from './objects.ts';

/** Where the ranges of a layout lie: in an object, or in a file of a disk workspace. Plain JSON. */
export type ByteOrigin =
  | { readonly kind: 'object'; readonly object: ObjectVersion }
  | { readonly kind: 'file'; readonly path: string; readonly size: number };

/** A range that S3 is to make into a part: `size` bytes from `start`. */
interface CopiedRange {
  readonly number: number;
  readonly start: number;
  readonly size: number;
}

/** How the bytes of an origin are had. Ranges go from `start` up to, not including, `end`. */
export interface OriginReader {
  /** Reads into `room`, and gives a view of it. */
  read(start: number, end: number, signal: AbortSignal, room: Buffer): Promise<Buffer>;
  stream(start: number, end: number, signal: AbortSignal): AsyncIterable<Buffer>;
  /** Lets S3 make a part from a range by itself; undefined where S3 does not have the bytes. */
  readonly copy:
    | ((upload: MultipartUpload, range: CopiedRange, signal: AbortSignal) => Promise<UploadedPart>)
    | undefined;
}

export function originReader(s3: S3Client, origin: ByteOrigin): OriginReader {
  if (origin.kind === 'file') {
    const { path } = origin;
    return {
      read: (start, end, _signal, room) => readFileRange(path, start, end, room),
      stream: (start, end, signal) => streamFileRange(path, start, end, signal),
      copy: undefined,
    };
  }
  const { object } = origin;
  return {
    read: (start, end, signal, room) => readRange(s3, object, start, end, signal, room),
    stream: (start, end, signal) => streamRange(s3, object, start, end, signal),
    copy: (upload, range, signal) => copyPart(s3, upload, object, range, signal),
  };
}

/** Random access to an origin, for code that knows nothing of S3 and files. */
export function rangeReaderOf(s3: S3Client, origin: ByteOrigin, signal: AbortSignal): RangeReader {
  return origin.kind === 'file'
    ? fileReader(origin.path, origin.size)
    : objectReader(s3, origin.object, signal);
}
