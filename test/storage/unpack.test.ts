import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { decodeStretch, encodeStretch, type IndexStretch } from '../../src/archive/index-file.ts';
import { type RecordPart, recordParts } from '../../src/archive/record-parts.ts';
import { indexInPlace } from '../../src/archive/unpacked-stretch.ts';
import type { ZipEntry } from '../../src/archive/zip-entry.ts';
import { stackS3 } from '../../src/local/clients.ts';
import type { ObjectVersion } from '../../src/storage/errors.ts';
import { createUpload, type MultipartUpload } from '../../src/storage/multipart.ts';
import { headObject } from '../../src/storage/objects.ts';
import { RecordUpload } from '../../src/storage/record-upload.ts';
import {
  type IndexStore,
  type UnpackOptions,
  type UnpackProgress,
  type UnpackResume,
  unpack,
} from '../../src/storage/unpack.ts';
import { type Files, filesOf, plainExport } from '../support/export-fixtures.ts';
import { gate } from '../support/faults.ts';
import { testS3, uniqueBucket } from '../support/harness.ts';
import { hold, partsMade, WAIT } from '../support/holds.ts';
import { s3Proxy } from '../support/s3-proxy.ts';
import {
  compressibleExport,
  type TestArchive,
  tarArchive,
  tarGzArchive,
} from '../support/test-archives.ts';
import { LIMITS } from '../support/zip-fixtures.ts';

/** An archive in S3, and what is in it. */
interface Source {
  readonly version: ObjectVersion;
  readonly files: Files;
}

const MIB = 1024 * 1024;

const NEVER = new AbortController().signal;

/** 211 MB in a TAR, 11 MB in S3: three checkpoints, each behind eight parts of records, and the end. */
let long: Source;
/** 18 MB that are stored: three parts, and no checkpoint but the end. */
let short: Source;

beforeAll(async () => {
  long = await putArchive(tarGzArchive(compressibleExport(525, 400_000), 1));
  short = await putArchive(tarGzArchive(plainExport(45, 400_000)));
});

describe('unpack', () => {
  test('makes records of the files of a TAR.GZ, and counts what it moves', async () => {
    const index = memoryIndex();
    const parts: Buffer[] = [];
    const keep = async ({ bytes }: RecordPart) => {
      parts.push(Buffer.from(bytes));
      return bytes.length;
    };

    const progress = await stage(short, { index, keep });

    const records = Buffer.concat(parts);
    const { size } = short.version;
    expect(progress).toEqual({
      ...{ stretches: 1, files: 46, bytesDone: size, bytesTotal: size, resumedAt: 0 },
      ...{ bytesRead: size, bytesWritten: records.length },
    });
    expectFiles(index.stretch(1).entries, short.files, records);
  });

  test('goes on from each checkpoint with the same parts and entries, and reads what is behind it', async () => {
    const whole = memoryIndex();
    const all = keptParts();
    await stage(long, { index: whole, keep: all.keep });
    const { size } = long.version;
    expect(whole.saved).toEqual([1, 2, 3, 4]);

    for (const stretches of [1, 2, 3]) {
      const index = memoryIndex(whole);
      const parts = keptParts();
      const first: UnpackProgress[] = [];
      const { tally, gunzip } = whole.stretch(stretches).resume;
      const resumedAt = gunzip?.inputOffset as number;

      const progress = await stage(long, {
        ...{ index, keep: parts.keep },
        resumeFrom: { ...NOTHING_DONE, stretches, bytesRead: 7, bytesWritten: 8 },
        onProgress: (told) => first.push({ ...told }),
      });

      const later = all.made.filter(({ number }) => number > tally.parts);
      expect(parts.made).toEqual(later);
      for (const number of index.saved) {
        const { entries, resume } = whole.stretch(number);
        expect(index.stretch(number).entries).toEqual(entries);
        expect(index.stretch(number).resume).toMatchObject({ tally: resume.tally });
      }
      expect(index.saved).toEqual([1, 2, 3, 4].slice(stretches));
      expect(resumedAt).toBeGreaterThan((size * 64 * stretches - size * 40) / 211);
      expect(first[0]).toMatchObject({ stretches, files: tally.files, resumedAt, bytesRead: 7 });
      expect(progress).toEqual({
        ...{ stretches: 4, files: 526, bytesDone: size, bytesTotal: size, resumedAt },
        bytesRead: 7 + size - resumedAt,
        bytesWritten: 8 + later.reduce((sum, { length }) => sum + length, 0),
      });
    }
  });

  test('has nothing left to do where an earlier attempt came to the end', async () => {
    const index = memoryIndex();
    const done = await stage(short, { index });
    const proxy = await s3Proxy();

    const again = await stage(short, { s3: stackS3(proxy.stack), index, resumeFrom: done });

    expect(again).toEqual({ ...done, resumedAt: 0 });
    expect(proxy.calls).toEqual([]);
  });

  test('finds the files of a TAR where they are, and from its checkpoint on those behind it', async () => {
    const archive = tarArchive(plainExport(9, 9_000_000));
    const { version, files } = await putArchive(archive);
    const whole = memoryIndex();
    const find = (index: MemoryIndex, resumeFrom?: UnpackProgress) =>
      unpack({
        ...{ s3: testS3(), source: version, gzip: false, limits: LIMITS, signal: NEVER },
        place: (tar, from) => indexInPlace(tar, LIMITS, from),
        ...{ keep: async () => 0, index, resumeFrom, onProgress: () => {} },
      });

    const done = await find(whole);
    expect(whole.saved).toEqual([1, 2]);
    expectFiles(
      [1, 2].flatMap((number) => whole.stretch(number).entries),
      files,
      archive.bytes,
    );
    const { size } = version;
    expect(done).toMatchObject({ files: 10, bytesDone: size, bytesRead: size, bytesWritten: 0 });

    const rest = memoryIndex(whole);
    const resumed = await find(rest, { ...NOTHING_DONE, stretches: 1 });
    const resumedAt = whole.stretch(1).resume.tar?.offset as number;
    expect(rest.saved).toEqual([2]);
    expect(rest.stretch(2)).toEqual(whole.stretch(2));
    expect(resumed).toMatchObject({ files: 10, resumedAt, bytesRead: size - resumedAt });
  });

  test('keeps two parts at once, and makes no third one meanwhile', async () => {
    let made = 0;
    let underWay = 0;
    const seen: number[] = [];
    const counted = async function* (parts: AsyncIterable<RecordPart>) {
      for await (const part of parts) {
        made += 1;
        yield part;
      }
    };

    await stage(long, {
      place: (tar, from) => counted(recordsOf(long.version)(tar, from)),
      keep: async ({ bytes }) => {
        underWay += 1;
        seen.push(underWay);
        for (let turn = 0; turn < 20; turn++) await setImmediate();
        expect(made - seen.length).toBe(0);
        underWay -= 1;
        return bytes.length;
      },
    });

    expect(Math.max(...seen)).toBe(2);
  });

  test('writes a stretch of the index only once all its parts are kept', async () => {
    const stop = new AbortController();
    const index = memoryIndex();
    const first = gate();
    const kept: number[] = [];
    const told: number[] = [];
    const staging = stage(long, {
      ...{ index, signal: stop.signal },
      keep: async ({ number, bytes }) => {
        if (number === 1) await first.opened;
        kept.push(number);
        return bytes.length;
      },
      onProgress: ({ stretches }) => {
        told.push(stretches);
        if (stretches === 1) stop.abort();
      },
    });
    staging.catch(() => {});

    await vi.waitFor(() => expect(kept).toEqual([2, 3, 4, 5, 6, 7, 8]), WAIT);
    await setImmediate();
    expect(index.saved).toEqual([]);
    expect(Math.max(...told)).toBe(0);
    first.open();

    await expect(staging).rejects.toThrow();
    expect(index.saved).toEqual([1]);
  });

  describe('fails, and leaves nothing running,', () => {
    test('where a part can not be kept', async () => {
      const { running, ...options } = await watched(failing(2));

      await expect(stage(short, options)).rejects.toThrow('part 2 is refused');
      expect(running()).toBe(0);
    });

    test('where a part can not be kept while the archive keeps it waiting', async () => {
      const { running, proxy, ...options } = await watched(failing(1));
      const held = hold(proxy, ({ rangeStart }) => rangeStart >= 12 * MIB);

      await expect(stage(short, options)).rejects.toThrow('part 1 is refused');
      expect(held.calls).not.toEqual([]);
      expect(running()).toBe(0);
    });

    test('where the index can not be written', async () => {
      const { running, ...options } = await watched();
      const save = () => Promise.reject(new Error('the index is refused'));
      const told: number[] = [];

      const staging = stage(short, {
        ...options,
        index: { ...memoryIndex(), save },
        onProgress: ({ stretches }) => told.push(stretches),
      });

      await expect(staging).rejects.toThrow('the index is refused');
      expect(Math.max(...told)).toBe(0);
      expect(running()).toBe(0);
    });

    test('where the archive is cut short', async () => {
      const { running, ...options } = await watched();
      const { bytes, ...archive } = tarGzArchive(plainExport(45, 400_000));
      const source = await putArchive({ ...archive, bytes: bytes.subarray(0, 10_000_000) });

      await expect(stage(source, options)).rejects.toThrow(
        expect.objectContaining({
          name: 'ArchiveError',
          message: 'The gzip stream is truncated: it ends after 10000000 bytes',
        }),
      );
      expect(running()).toBe(0);
    });

    test('where the archive is another version', async () => {
      const { running, ...options } = await watched();
      const source = { ...short, version: { ...short.version, etag: '"0"' } };

      await expect(stage(source, options)).rejects.toThrow(
        expect.objectContaining({ name: 'ObjectChangedError' }),
      );
      expect(running()).toBe(0);
    });

    test('where it is told to stop', async () => {
      const stop = new AbortController();
      const { running, ...options } = await watched(async () => stop.abort(new Error('told to')));

      await expect(stage(short, { ...options, signal: stop.signal })).rejects.toThrow('told to');
      expect(running()).toBe(0);
    });
  });

  describe('into a multipart upload', () => {
    test('makes an object of the records', async () => {
      const { upload, proxy, run } = await startUpload();
      const index = memoryIndex();

      await run({ index });

      const records = await readObject(upload);
      expectFiles(index.stretch(1).entries, short.files, records);
      expect(partsMade(proxy, upload.key)).toEqual([1, 2, 3]);
    });

    test('makes only the parts that S3 lacks', async () => {
      const { upload, proxy, run } = await startUpload();
      const stop = new AbortController();
      const held = hold(proxy, ({ operation, part }) => operation === 'UploadPart' && part === 3);
      const first = run({ signal: stop.signal });
      await vi.waitFor(() => {
        expect(partsMade(proxy, upload.key)).toEqual([1, 2]);
        expect(held.calls).toHaveLength(1);
      }, WAIT);
      stop.abort();
      await expect(first).rejects.toThrow();
      held.release();
      const index = memoryIndex();

      const { bytesWritten } = await run({ index });

      const records = await readObject(upload);
      expectFiles(index.stretch(1).entries, short.files, records);
      expect(partsMade(proxy, upload.key)).toEqual([1, 2, 3]);
      expect(bytesWritten).toBeLessThan(8 * MIB);
      expect(bytesWritten).toBeGreaterThan(3 * 400_000);
    });
  });
});

const NOTHING_DONE: UnpackProgress = {
  ...{ stretches: 0, files: 0, bytesDone: 0, bytesTotal: 0, resumedAt: 0 },
  ...{ bytesRead: 0, bytesWritten: 0 },
};

async function putArchive({ content, bytes }: TestArchive): Promise<Source> {
  const location = { bucket: await uniqueBucket(), key: 'export/archive' };
  await testS3().send(
    new PutObjectCommand({ Bucket: location.bucket, Key: location.key, Body: bytes }),
  );
  const version = (await headObject(testS3(), location)) as ObjectVersion;
  return { version, files: filesOf(content) };
}

/** Stages a TAR.GZ; keeps nothing of it where nothing else is asked for. */
function stage(
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

function recordsOf({ size }: ObjectVersion): UnpackOptions<RecordPart>['place'] {
  return (tar, from) => recordParts(tar, { archiveSize: size, limits: LIMITS, from });
}

interface MemoryIndex extends IndexStore {
  /** Numbers of the stretches that were saved, in order. */
  readonly saved: number[];
  stretch(number: number): IndexStretch<UnpackResume>;
}

/** An index as it is stored, with what an earlier attempt has left in it. */
function memoryIndex(earlier?: MemoryIndex): MemoryIndex {
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
function keptParts() {
  const made: { number: number; start: number; length: number; crc: number }[] = [];
  const keep = async ({ number, start, bytes }: RecordPart) => {
    // Its bytes have to stay as they are until it is kept.
    await setImmediate();
    made.push({ number, start, length: bytes.length, crc: crc32(bytes) });
    return bytes.length;
  };
  return { made, keep };
}

/** Options with a way to ask how many calls to S3, and how many parts that are kept, are under way. */
async function watched(beforePart: (part: RecordPart) => Promise<void> = async () => {}) {
  let underWay = 0;
  const counted = async <T>(task: () => Promise<T>): Promise<T> => {
    underWay += 1;
    return task().finally(() => {
      underWay -= 1;
    });
  };
  const proxy = await s3Proxy();
  const s3 = stackS3(proxy.stack);
  s3.middlewareStack.add((next) => (args) => counted(() => next(args)), { step: 'initialize' });
  const keep = (part: RecordPart) =>
    counted(async () => {
      await beforePart(part);
      return part.bytes.length;
    });
  return { proxy, s3, keep, running: () => underWay };
}

/** Refuses a part. */
function failing(refused: number): (part: RecordPart) => Promise<void> {
  return async ({ number }) => {
    if (number === refused) throw new Error(`part ${number} is refused`);
  };
}

/** An upload of the short archive's records, and a way to run an attempt to make it. */
async function startUpload() {
  const proxy = await s3Proxy();
  const s3 = stackS3(proxy.stack);
  const target = { bucket: short.version.bucket, key: `records-${crypto.randomUUID()}` };
  const upload = await createUpload(s3, target, 'application/octet-stream', {}, NEVER);
  const run = async (options: Partial<UnpackOptions<RecordPart>>) => {
    const records = await RecordUpload.resume(s3, upload, NEVER);
    const keep = (part: RecordPart, signal: AbortSignal) => records.keep(part, signal);
    const progress = await stage(short, { s3, keep, ...options });
    await records.complete(NEVER);
    return progress;
  };
  return { upload, proxy, run };
}

async function readObject({ bucket: Bucket, key: Key }: MultipartUpload): Promise<Buffer> {
  const { Body } = await testS3().send(new GetObjectCommand({ Bucket, Key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

/** Asserts that entries are those of the files, in their order, and lie where they say. */
function expectFiles(entries: readonly ZipEntry[], files: Files, object: Buffer): void {
  expect(entries.map(({ name }) => name)).toEqual(files.map(([name]) => name));
  files.forEach(([name, data], index) => {
    const entry = entries[index] as ZipEntry;
    expect(entry, name).toMatchObject({ uncompressedSize: data.length, crc32: crc32(data) });
    expect(object.subarray(entry.dataStart, entry.recordEnd).equals(data), name).toBe(true);
  });
}
