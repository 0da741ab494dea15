import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import { decodeStretch, encodeStretch, type IndexStretch } from '../../src/archive/index-file.ts';
import { type RecordPart, recordParts } from '../../src/archive/record-parts.ts';
import type { ZipEntry } from '../../src/archive/zip-entry.ts';
import type { ObjectVersion } from '../../src/storage/errors.ts';
import { headObject } from '../../src/storage/objects.ts';
import {
  type IndexStore,
  type UnpackOptions,
  type UnpackProgress,
  type UnpackResume,
  unpack,
} from '../../src/storage/unpack.ts';
import { type Files, filesOf } from './export-fixtures.ts';
import { testS3, uniqueBucket } from './harness.ts';
import type { TestArchive } from './test-archives.ts';
import { LIMITS } from './zip-fixtures.ts';

/** An archive in S3, and what is in it. */
export interface Source {
  readonly version: ObjectVersion;
  readonly files: Files;
}

export const NEVER = new AbortController().signal;

export const NOTHING_DONE: UnpackProgress = {
  ...{ stretches: 0, files: 0, bytesDone: 0, bytesTotal: 0, resumedAt: 0 },
  ...{ bytesRead: 0, bytesWritten: 0 },
};

export async function putArchive({ content, bytes }: TestArchive): Promise<Source> {
  const location = { bucket: await uniqueBucket(), key: 'export/archive' };
  await testS3().send(
    new PutObjectCommand({ Bucket: location.bucket, Key: location.key, Body: bytes }),
  );
  const version = (await headObject(testS3(), location)) as ObjectVersion;
  return { version, files: filesOf(content) };
}

/** Stages a TAR.GZ; keeps nothing of it where nothing else is asked for. */
export function stage(
  { version }: Source,
  options: Partial<UnpackOptions<RecordPart>> = {},
): Promise<UnpackProgress> {
  return unpack({
    s3: testS3(),
    source: version,
    gzip: true,
    limits: LIMITS,
    place: recordsOf(version),
    keep: async ({ bytes }) => bytes.length,
    index: memoryIndex(),
    signal: NEVER,
    resumeFrom: undefined,
    onProgress: () => {},
    ...options,
  });
}

export function recordsOf({ size }: ObjectVersion): UnpackOptions<RecordPart>['place'] {
  return (tar, from) => recordParts(tar, { archiveSize: size, limits: LIMITS, from });
}

export interface MemoryIndex extends IndexStore {
  /** Numbers of the stretches that were saved, in order. */
  readonly saved: number[];
  stretch(number: number): IndexStretch<UnpackResume>;
}

/** An index as it is stored, with what an earlier attempt has left in it. */
export function memoryIndex(earlier?: MemoryIndex): MemoryIndex {
  const stored = new Map<number, Buffer>();
  for (const number of earlier?.saved ?? []) {
    stored.set(number, encodeStretch(earlier?.stretch(number) as IndexStretch<UnpackResume>));
  }
  const saved: number[] = [];
  const stretch = (number: number) =>
    decodeStretch<UnpackResume>(stored.get(number) ?? Buffer.alloc(0));
  return {
    saved,
    stretch,
    load: async (number) => stretch(number),
    save: async (number, made) => {
      saved.push(number);
      stored.set(number, encodeStretch(made));
    },
  };
}

/** Keeps of each part what tells it from others. */
export function keptParts() {
  const made: { number: number; start: number; length: number; crc: number }[] = [];
  const keep = async ({ number, start, bytes }: RecordPart) => {
    // Its bytes have to stay as they are until it is kept.
    await setImmediate();
    made.push({ number, start, length: bytes.length, crc: crc32(bytes) });
    return bytes.length;
  };
  return { made, keep };
}

/** Asserts that entries are those of the files, in their order, and lie where they say. */
export function expectFiles(entries: readonly ZipEntry[], files: Files, object: Buffer): void {
  expect(entries.map(({ name }) => name)).toEqual(files.map(([name]) => name));
  files.forEach(([name, data], index) => {
    const entry = entries[index] as ZipEntry;
    expect(entry, name).toMatchObject({ uncompressedSize: data.length, crc32: crc32(data) });
    expect(object.subarray(entry.dataStart, entry.recordEnd).equals(data), name).toBe(true);
  });
}
