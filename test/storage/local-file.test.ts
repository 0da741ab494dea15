import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { fileError } from '../../src/storage/file-errors.ts';
import {
  FILE_STREAM_BYTES,
  fileReader,
  readFileRange,
  streamFileRange,
  withFileWriter,
} from '../../src/storage/local-file.ts';
import { tempFolder } from '../support/temp-folder.ts';

const { signal } = new AbortController();
const LOST = expect.objectContaining({ name: 'WorkspaceLostError' });

describe('a file of a workspace that is read', () => {
  const bytes = randomBytes(3 * 1024 * 1024 + 17);
  let path: string;

  beforeEach(async () => {
    path = join(await tempFolder(), 'archive.zip');
    await writeFile(path, bytes);
  });

  test('gives any range, at once and as a stream', async () => {
    const ends = fc.nat({ max: bytes.length });
    await fc.assert(
      fc.asyncProperty(ends, ends, async (one, other) => {
        const start = Math.min(one, other);
        const end = Math.max(one, other);
        const expected = bytes.subarray(start, end);
        expect((await readFileRange(path, start, end)).equals(expected)).toBe(true);
        const chunks = await Array.fromAsync(streamFileRange(path, start, end, signal));
        expect(Buffer.concat(chunks).equals(expected)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  test('is random access for the code that reads archives', async () => {
    const reader = fileReader(path, bytes.length);

    expect(reader.size).toBe(bytes.length);
    await expect(reader.read(10, 20)).resolves.toEqual(bytes.subarray(10, 20));
  });

  test('streams chunks that are less than half of what a stream holds', async () => {
    for await (const { length } of streamFileRange(path, 0, bytes.length, signal)) {
      expect(length).toBeLessThanOrEqual(FILE_STREAM_BYTES / 2);
    }
  });

  test('stops a stream with the reason of its signal', async () => {
    const stop = new AbortController();
    const chunks = streamFileRange(path, 0, bytes.length, stop.signal);
    await chunks.next();
    stop.abort(new Error('stopped'));

    await expect(chunks.next()).rejects.toThrow('stopped');
  });

  test.each([
    ['was swept', () => rm(path), 'archive.zip is gone: '],
    [
      'was cut',
      () => truncate(path, 1_000_000),
      'archive.zip ends at 1000000, before byte 3145745: ',
    ],
  ])('is lost where it %s', async (_, lose, message) => {
    await lose();
    const whole = readFileRange(path, 0, bytes.length);

    await expect(whole).rejects.toThrow(LOST);
    await expect(whole).rejects.toThrow(message);
    await expect(whole).rejects.toThrow('the job starts over');
    await expect(fileReader(path, bytes.length).read(2_000_000, 2_000_001)).rejects.toThrow(LOST);
    const chunks = streamFileRange(path, 0, bytes.length, signal);
    await expect(Array.fromAsync(chunks)).rejects.toThrow(LOST);
  });
});

describe('a file of a workspace that is written', () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await tempFolder();
    path = join(folder, 'archive.zip');
  });

  test('takes buffers at any offset, in any order, and keeps what was there', async () => {
    await withFileWriter(path, 0, async (writer) => {
      await writer.write(Buffer.from('world'), 6);
      await writer.write(Buffer.from('hello '), 0);
      await writer.sync();
    });
    await withFileWriter(path, 5, (writer) => writer.write(Buffer.from('-'), 5));
    await withFileWriter(path, 0, (writer) => writer.write(Buffer.from('J'), 0));

    await expect(readFile(path, 'utf8')).resolves.toBe('Jello-world');
  });

  test('gives what its task gives, and fails as it fails', async () => {
    await expect(withFileWriter(path, 0, async () => 7)).resolves.toBe(7);
    const failing = withFileWriter(path, 0, () => Promise.reject(new Error('broken')));
    await expect(failing).rejects.toThrow('broken');
  });

  test.each([
    ['its folder is gone', () => rm(folder, { recursive: true }), 0],
    ['it is gone with what is to be kept', () => rm(path), 1],
    ['it has less than is to be kept', () => truncate(path, 99), 100],
  ])('is lost where %s, and is not made anew', async (_, lose, keep) => {
    await writeFile(path, Buffer.alloc(200));
    await lose();
    let begun = false;
    const writing = withFileWriter(path, keep, async () => {
      begun = true;
    });

    await expect(writing).rejects.toThrow(LOST);
    expect(begun).toBe(false);
    if (keep < 100) expect(existsSync(path)).toBe(false);
  });

  test('is lost where it is swept while it is written', async () => {
    const writing = withFileWriter(path, 0, async (writer) => {
      await writer.write(Buffer.alloc(10), 0);
      await rm(path);
      await writer.write(Buffer.alloc(10), 10);
      await writer.sync();
    });

    await expect(writing).rejects.toThrow(LOST);
  });

  test.runIf(existsSync('/dev/full'))('says that a disk is full, and what to do', async () => {
    const writing = withFileWriter('/dev/full', 0, (writer) => writer.write(Buffer.alloc(10), 0));

    await expect(writing).rejects.toThrow(
      expect.objectContaining({
        name: 'NoSpaceError',
        message:
          'No space is left on the disk of /dev/full; make room there, or name a larger disk ' +
          '(TMPDIR for small archives, EFS_PATH for large ones)',
      }),
    );
  });
});

describe('an error of the system', () => {
  test.each([
    ['ESTALE', 'WorkspaceLostError', /^\/w\/a is gone: /],
    ['EDQUOT', 'NoSpaceError', /^The quota on the disk of \/w\/a is used up; make room/],
  ] as const)('that Node has no name for, %s, is a %s', (code, name, message) => {
    const errno = -constants.errno[code];
    const unknown = `Unknown system error ${errno}`;
    const error = Object.assign(new Error(`${unknown}: ${unknown}, write`), {
      errno,
      code: unknown,
      syscall: 'write',
    });

    expect(fileError(error, '/w/a')).toMatchObject({
      name,
      message: expect.stringMatching(message),
      cause: error,
    });
  });

  test('that tells nothing about the workspace stays as it is', () => {
    const error = Object.assign(new Error('EIO: i/o error, read'), { errno: -5, code: 'EIO' });

    expect(fileError(error, '/w/a')).toBe(error);
  });
});
