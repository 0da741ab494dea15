import { randomBytes } from 'node:crypto';
import { open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type GetObjectCommandInput, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { stackS3 } from '../../src/local/clients.ts';
import { Budget } from '../../src/storage/budget.ts';
import { type DownloadOptions, downloadObject } from '../../src/storage/download.ts';
import type { ObjectVersion } from '../../src/storage/errors.ts';
import { headObject } from '../../src/storage/objects.ts';
import { PREFETCH_CHUNK_BYTES, PREFETCH_LANES } from '../../src/storage/prefetch.ts';
import { gate } from '../support/faults.ts';
import { testS3, uniqueBucket } from '../support/harness.ts';
import { tempFolder } from '../support/temp-folder.ts';

const MIB = 1024 * 1024;

describe('downloadObject', () => {
  const bytes = randomBytes(100 * MIB + 4321);
  let source: ObjectVersion;
  let path: string;

  beforeAll(async () => {
    source = await putSource(await uniqueBucket(), bytes);
  });

  beforeEach(async () => {
    path = join(await tempFolder(), 'archive.zip');
  });

  test('writes the bytes of the object, and tells only of those that are on the disk', async () => {
    const events: ('flushed' | number)[] = [];
    const flushing = await spyOnFlushes(() => events.push('flushed'));

    await download({ onProgress: (mark) => events.push(mark) });

    flushing.mockRestore();
    await expectWhole();
    const marks = events.filter((event) => event !== 'flushed');
    expect(events).toEqual(marks.flatMap((mark) => ['flushed', mark]));
    expect(marks).toEqual(marks.toSorted((a, b) => a - b));
    expect(marks[0]).toBeGreaterThanOrEqual(64 * MIB);
    expect(marks[0]).toBeLessThan(source.size);
    expect(marks.at(-1)).toBe(source.size);
  });

  test('tells of nothing beyond a gap', async () => {
    const marks: number[] = [];
    const first = gate();
    const s3 = clientThat(async (start) => {
      if (start === 0) await first.opened;
    });
    const downloading = download({ s3, onProgress: (mark) => marks.push(mark) });
    await vi.waitFor(async () => expect((await stat(path)).size).toBe(source.size), 30_000);
    expect(marks).toEqual([]);
    first.open();
    await downloading;

    expect(marks.at(-1)).toBe(source.size);
    await expectWhole();
  });

  test('goes on from the mark of an earlier attempt, and writes nothing below it again', async () => {
    const stop = new AbortController();
    let mark = 0;
    const first = download({
      signal: stop.signal,
      onProgress: (reported) => {
        mark = reported;
        stop.abort(new Error('killed'));
      },
    });
    await expect(first).rejects.toThrow('killed');
    expect(mark).toBeGreaterThanOrEqual(64 * MIB);
    expect((await readFile(path)).subarray(0, mark).equals(bytes.subarray(0, mark))).toBe(true);
    const sentinel = randomBytes(mark);
    await writeFile(path, sentinel, { flag: 'r+' });

    const starts: number[] = [];
    const s3 = clientThat(async (start) => void starts.push(start));
    await download({ s3, resumeFrom: mark });

    const file = await readFile(path);
    expect(file.subarray(0, mark).equals(sentinel)).toBe(true);
    expect(file.subarray(mark).equals(bytes.subarray(mark))).toBe(true);
    expect(Math.min(...starts)).toBe(mark);
    expect(starts).toHaveLength(Math.ceil((source.size - mark) / PREFETCH_CHUNK_BYTES));
  });

  test('holds what it may of the budget, and gives it back however it ends', async () => {
    const budget = new Budget(2 * PREFETCH_CHUNK_BYTES);
    let most = 0;
    const s3 = clientThat(async () => {
      most = Math.max(most, budget.taken);
    });
    await download({ s3, bytes: budget });
    expect([most, budget.taken]).toEqual([budget.limit, 0]);

    const failing = clientThat(async (start) => {
      if (start > 50 * MIB) throw new Error('broken');
    });
    await expect(download({ s3: failing, bytes: budget })).rejects.toThrow('broken');
    expect(budget.taken).toBe(0);
  });

  test.each([
    ['gone', () => rm(path)],
    ['shorter than the mark', () => truncate(path, 8 * MIB - 1)],
  ])('starts no read where the file is %s', async (_, lose) => {
    await writeFile(path, bytes.subarray(0, 8 * MIB));
    await lose();
    const starts: number[] = [];
    const s3 = clientThat(async (start) => void starts.push(start));

    await expect(download({ s3, resumeFrom: 8 * MIB })).rejects.toThrow(
      expect.objectContaining({ name: 'WorkspaceLostError' }),
    );
    expect(starts).toEqual([]);
  });

  test('finds out that its folder is swept meanwhile', async () => {
    const s3 = clientThat(async (start) => {
      if (start === 40 * MIB) await rm(dirname(path), { recursive: true });
    });

    await expect(download({ s3 })).rejects.toThrow(
      expect.objectContaining({ name: 'WorkspaceLostError' }),
    );
  });

  test('fails where the object is another version', async () => {
    const changed = { ...source, etag: '"00000000000000000000000000000000"' };

    await expect(download({ source: changed })).rejects.toThrow(
      expect.objectContaining({ name: 'ObjectChangedError' }),
    );
  });

  test('makes an empty file of an empty object', async () => {
    const empty = await putSource(await uniqueBucket(), Buffer.alloc(0));
    await download({ source: empty });

    expect((await stat(path)).size).toBe(0);
  });

  function download(changes: Partial<DownloadOptions> = {}): Promise<void> {
    return downloadObject({
      s3: testS3(),
      source,
      path,
      resumeFrom: 0,
      bytes: new Budget(PREFETCH_LANES * PREFETCH_CHUNK_BYTES),
      signal: new AbortController().signal,
      onProgress: () => {},
      ...changes,
    });
  }

  async function expectWhole(): Promise<void> {
    expect((await readFile(path)).equals(bytes)).toBe(true);
  }
});

/** A client that does something before each GET, which is told by where its range begins. */
function clientThat(before: (start: number) => Promise<void>): S3Client {
  const s3 = stackS3(inject('stack'));
  s3.middlewareStack.add(
    (next) => async (args) => {
      const { Range } = args.input as GetObjectCommandInput;
      await before(Number(/\d+/.exec(Range ?? '')?.[0]));
      return next(args);
    },
    { step: 'initialize' },
  );
  return s3;
}

/** Calls `onFlush` once a file has been flushed to the disk. */
async function spyOnFlushes(onFlush: () => void) {
  const file = await open('.');
  const prototype = Object.getPrototypeOf(file);
  await file.close();
  const { datasync } = prototype;
  return vi.spyOn(prototype, 'datasync').mockImplementation(async function (this: unknown) {
    await datasync.call(this);
    onFlush();
  });
}

async function putSource(bucket: string, Body: Buffer): Promise<ObjectVersion> {
  const location = { bucket, key: 'export/a.zip' };
  await testS3().send(new PutObjectCommand({ Bucket: bucket, Key: location.key, Body }));
  return (await headObject(testS3(), location)) as ObjectVersion;
}
