import { beforeAll, describe, expect, test } from 'vitest';
import type { RecordPart } from '../../src/archive/record-parts.ts';
import { stackS3 } from '../../src/local/clients.ts';
import { plainExport } from '../support/export-fixtures.ts';
import { hold } from '../support/holds.ts';
import { s3Proxy } from '../support/s3-proxy.ts';
import { tarGzArchive } from '../support/test-archives.ts';
import { memoryIndex, putArchive, type Source, stage } from '../support/unpack-cases.ts';

const MIB = 1024 * 1024;

/** 18 MB that are stored: three parts, and no checkpoint but the end. */
let short: Source;

beforeAll(async () => {
  short = await putArchive(tarGzArchive(plainExport(45, 400_000)));
});

describe('unpack fails, and leaves nothing running,', () => {
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
