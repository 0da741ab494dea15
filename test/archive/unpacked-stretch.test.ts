import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { ArchiveLimits } from '../../src/archive/archive-limits.ts';
import { TarReader } from '../../src/archive/tar-reader.ts';
import {
  indexInPlace,
  NOTHING_UNPACKED,
  type UnpackedStretch,
  type UnpackTally,
} from '../../src/archive/unpacked-stretch.ts';
import { noise } from '../support/gzip-cases.ts';
import { type CraftedTarFile, tar, tarPax } from '../support/tar-crafting.ts';
import { inChunks } from '../support/tar-fixtures.ts';
import { LIMITS } from '../support/zip-fixtures.ts';

const MIB = 1024 * 1024;

const FILES: readonly CraftedTarFile[] = [
  { name: 'folder/a.jpg', content: noise(1000, 1) },
  { name: 'b.jpg', content: noise(3 * MIB, 2) },
  { name: 'empty.jpg' },
  { name: 'c.jpg', content: noise(5 * MIB, 3) },
  { name: 'größe.jpg', content: noise(20 * MIB, 4) },
  { name: 'd.jpg', content: noise(7 * MIB, 5) },
  { name: 'e.jpg', content: noise(MIB, 6) },
  { name: 'last.jpg', content: noise(10, 7) },
];
const TAR = tar([{ name: 'folder/', type: '5' }, tarPax({ mtime: '1000000000' }, 'g'), ...FILES]);

describe('the files of a TAR, where they lie,', () => {
  test('are entries of data alone, their CRC-32 known', async () => {
    const entries = (await index(TAR)).flatMap((stretch) => stretch.entries);

    expect(entries.map(({ name }) => name)).toEqual(FILES.map(({ name }) => name));
    entries.forEach((entry, index) => {
      const content = Buffer.from(FILES[index]?.content ?? '');
      expect(TAR.subarray(entry.dataStart, entry.recordEnd).equals(content)).toBe(true);
      expect(entry).toMatchObject({
        ...{ recordName: undefined, verified: true, method: 0, crc32: crc32(content) },
        ...{ recordStart: entry.dataStart, uncompressedSize: content.length },
      });
    });
  });

  test('come in stretches that end with a file, after 8 MiB of data or more', async () => {
    const stretches = await index(TAR);

    expect(stretches.map(({ entries }) => entries.map(({ name }) => name))).toEqual([
      ['folder/a.jpg', 'b.jpg', 'empty.jpg', 'c.jpg'],
      ['größe.jpg'],
      ['d.jpg', 'e.jpg'],
      ['last.jpg'],
    ]);
    expect(stretches.map(({ border }) => border === 'end')).toEqual([false, false, false, true]);
    expect(stretches.map(({ tally }) => tally)).toEqual([
      { files: 4, fileBytes: 8 * MIB + 1000, parts: 0, partBytes: 0 },
      { files: 5, fileBytes: 28 * MIB + 1000, parts: 0, partBytes: 0 },
      { files: 7, fileBytes: 36 * MIB + 1000, parts: 0, partBytes: 0 },
      { files: 8, fileBytes: 36 * MIB + 1010, parts: 0, partBytes: 0 },
    ]);
  });

  test('are the same ones from any border on', async () => {
    const stretches = await index(TAR);

    for (const [number, { border, tally }] of stretches.slice(0, -1).entries()) {
      expect(await index(TAR, LIMITS, { border, tally })).toEqual(stretches.slice(number + 1));
    }
  });

  test('of a TAR without files are one stretch without entries', async () => {
    expect(await index(tar([{ name: 'folder/', type: '5' }]))).toEqual([
      { entries: [], border: 'end', tally: NOTHING_UNPACKED },
    ]);
  });
});

describe('limits', () => {
  const small = tar([
    { name: 'a.jpg', content: noise(100) },
    { name: 'b.jpg', content: noise(50) },
  ]);

  test.each<[Partial<ArchiveLimits>, string]>([
    [{ maxEntries: 1 }, 'The archive has more than 1 entries, the limit (MAX_ENTRIES)'],
    [{ maxEntryBytes: 99 }, 'Entry "a.jpg": has 100 bytes, the limit is 99 (MAX_ENTRY_BYTES)'],
    [
      { maxTotalBytes: 149 },
      "The archive's entries have 150 bytes or more together, the limit is 149 (MAX_TOTAL_BYTES)",
    ],
  ])('%j', async (limits, message) => {
    await expect(index(small, { ...LIMITS, ...limits })).rejects.toThrow(
      expect.objectContaining({ name: 'LimitError', message }),
    );
  });

  test('are inclusive', async () => {
    const limits = { ...LIMITS, maxEntries: 2, maxEntryBytes: 100, maxTotalBytes: 150 };
    expect(await index(small, limits)).toHaveLength(1);
  });

  test('hold for all attempts together', async () => {
    const border = { offset: 1024, globals: {} };
    const tally = { ...NOTHING_UNPACKED, files: 1, fileBytes: 100 };
    for (const limits of [{ maxEntries: 1 }, { maxTotalBytes: 149 }]) {
      await expect(index(small, { ...LIMITS, ...limits }, { border, tally })).rejects.toThrow(
        'the limit',
      );
    }
  });

  test('are looked at before a byte of the file is read', async () => {
    const header = tar([{ name: 'large.jpg', size: 2 ** 32 }]).subarray(0, 512);
    await expect(index(header, { ...LIMITS, maxEntryBytes: 1000 })).rejects.toThrow(
      'has 4294967296 bytes, the limit is 1000',
    );
  });
});

/** Indexes a TAR, or what of it lies behind a border. */
async function index(
  bytes: Buffer,
  limits = LIMITS,
  { border, tally }: Pick<UnpackedStretch, 'border' | 'tally'> = {
    border: undefined,
    tally: NOTHING_UNPACKED,
  },
): Promise<UnpackedStretch[]> {
  const from = border === 'end' ? undefined : border;
  const reader = new TarReader(inChunks(bytes, [300_000], from?.offset), from);
  return Array.fromAsync(indexInPlace(reader, limits, tally satisfies UnpackTally));
}
