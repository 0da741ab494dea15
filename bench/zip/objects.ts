import { crc32 } from 'node:zlib';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { sampleExport } from '../../src/local/sample-export.ts';
import { inLanes } from '../../src/storage/lanes.ts';
import type { JobPlace } from '../contest/competitor.ts';
import { sha256 } from '../contest/read-zip.ts';

/** What is zipped: so many objects of one size. */
export interface ZipTask {
  readonly objects: number;
  /** Size of one object in bytes. */
  readonly objectBytes: number;
}

/** An object as it must come out of an archive again. */
export interface ObjectFacts {
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  readonly crc32: number;
  readonly sha256: string;
}

/** The objects that all competitors zip, which are uploaded anew for each of them. */
export interface ObjectSet {
  /** In the order of the archive. */
  readonly objects: readonly ObjectFacts[];
  readonly contentBytes: number;
  /** Puts them into a bucket, each under the key `images/<name>`. */
  upload(s3: S3Client, target: UploadTarget, signal: AbortSignal): Promise<void>;
}

/** Where objects are put, and whether with their CRC-32, as AWS SDKs do by default, or without. */
export interface UploadTarget {
  readonly bucket: string;
  readonly checksums: boolean;
}

/** Objects that are to be zipped. */
export interface ObjectsJob extends JobPlace {
  /** Keys in the order of the archive, where each is called by the last segment of its key. */
  readonly keys: readonly string[];
  /** The list of them as sheaf reads it, as `s3://bucket/key`, where they are too many for a message. */
  readonly fileList?: string;
  /** The archive's name without `.zip`, and its key. */
  readonly archiveName: string;
  readonly target: string;
}

/** The folder of the objects. */
export const PREFIX = 'images/';

/** The same content each time: a run can be repeated. */
const SEED = 1;

/** Uploads under way at once: more are no faster. */
const UPLOADS_AT_ONCE = 8;

/**
 * Bytes of a rehearsal, and of its objects where they are large: S3 copies what there is of an object
 * beyond the 5 MiB that make a part with its header, if that is 5 MiB or more.
 */
const REHEARSAL_BYTES = 36e6;
const REHEARSAL_OBJECT_BYTES = 12e6;

/** A small set of the same kind: as many objects that are small, or some that S3 can copy. */
export function rehearsalOf({ objects, objectBytes }: ZipTask): ZipTask {
  return objectBytes > REHEARSAL_OBJECT_BYTES
    ? { objects: REHEARSAL_BYTES / REHEARSAL_OBJECT_BYTES, objectBytes: REHEARSAL_OBJECT_BYTES }
    : { objects, objectBytes: Math.min(objectBytes, Math.ceil(REHEARSAL_BYTES / objects)) };
}

/** Plans the objects. Their content, JPEGs that don't compress, is made when it is needed. */
export function makeObjects({ objects: rows, objectBytes }: ZipTask): ObjectSet {
  const sample = sampleExport({ rows, imageBytes: objectBytes, seed: SEED });
  const objects = sample.imageNames.map((name): ObjectFacts => {
    const image = sample.image(name);
    return { name, size: image.length, crc32: crc32(image), sha256: sha256(image) };
  });
  return {
    objects,
    contentBytes: objects.reduce((sum, { size }) => sum + size, 0),
    upload: (s3, { bucket, checksums }, signal) =>
      inLanes(objects, UPLOADS_AT_ONCE, signal, async ({ name }, abortSignal) => {
        const put = new PutObjectCommand({
          Bucket: bucket,
          Key: PREFIX + name,
          Body: sample.image(name),
          ContentType: 'image/jpeg',
          ...(checksums && { ChecksumAlgorithm: 'CRC32' }),
        });
        await s3.send(put, { abortSignal });
      }),
  };
}
