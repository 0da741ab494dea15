import { setImmediate } from 'node:timers/promises';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { RecordPart } from '../../src/archive/record-parts.ts';
import { indexInPlace } from '../../src/archive/unpacked-stretch.ts';
import { stackS3 } from '../../src/local/clients.ts';
import { type UnpackProgress, unpack } from '../../src/storage/unpack.ts';
import { plainExport } from '../support/export-fixtures.ts';
import { gate } from '../support/faults.ts';
import { testS3 } from '../support/harness.ts';
import { WAIT } from '../support/holds.ts';
import { s3Proxy } from '../support/s3-proxy.ts';
import { compressibleExport, tarArchive, tarGzArchive } from '../support/test-archives.ts';
import {
  expectFiles,
  keptParts,
  type MemoryIndex,
  memoryIndex,
  NEVER,
  NOTHING_DONE,
  putArchive,
  recordsOf,
  type Source,
  stage,
} from '../support/unpack-cases.ts';
import { LIMITS } from '../support/zip-fixtures.ts';

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
});
