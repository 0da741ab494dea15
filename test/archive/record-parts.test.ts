import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { layoutBatchZip } from '../../src/archive/layout.ts';
import {
  RECORD_LIMIT_BYTES,
  recordPartBytes,
  recordParts,
} from '../../src/archive/record-parts.ts';
import { TarReader } from '../../src/archive/tar-reader.ts';
import { NOTHING_UNPACKED, type UnpackedStretch } from '../../src/archive/unpacked-stretch.ts';
import type { ZipEntry } from '../../src/archive/zip-entry.ts';
import { noise } from '../support/gzip-cases.ts';
import { type CraftedTarFile, tar, tarPax } from '../support/tar-crafting.ts';
import { inChunks } from '../support/tar-fixtures.ts';
import { bytesOfLayout, LIMITS, readByPython, testByUnzip } from '../support/zip-fixtures.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const TIB = 1024 * GIB;

/** S3's limits of parts. */
const MIN_PART = 5 * MIB;
const MAX_PART = 5 * GIB;
const MAX_PARTS = 10_000;

/** Bytes of a local header before its name (APPNOTE.TXT 4.3.7). */
const LOCAL_HEADER = 30;

/** A part as it was, after its buffer has been given back. */
type KeptPart = UnpackedStretch & { number: number; start: number; bytes: Buffer };

const FILES: readonly CraftedTarFile[] = [
  { name: 'folder/a.jpg', content: noise(1000, 1) },
  { name: 'empty.jpg' },
  { name: 'limit.jpg', content: noise(RECORD_LIMIT_BYTES, 2) },
  { name: 'folder/data.jpg', content: noise(RECORD_LIMIT_BYTES + 1, 3) },
  { name: 'größe.jpg', content: noise(3 * MIB, 4) },
  { name: 'parts.jpg', content: noise(20 * MIB, 5) },
  { name: 'b.jpg', content: noise(3 * MIB, 6) },
  { name: 'c.jpg', content: noise(4 * MIB, 7) },
  { name: 'd.jpg', content: noise(2 * MIB, 8) },
  { name: 'e.jpg', content: noise(3 * MIB, 9) },
  { name: 'last.jpg', content: noise(10, 10) },
];
const TAR = tar([tarPax({ mtime: '1000000000' }, 'g'), ...FILES]);

describe('records', () => {
  test('hold each file whole, under its bare name, or as data alone from 4 MiB up', async () => {
    const { object, entries } = joined(await unpack(TAR));

    expect(entries.map(({ name }) => name)).toEqual(FILES.map(({ name }) => name));
    entries.forEach((entry, index) => {
      const content = Buffer.from(FILES[index]?.content ?? '');
      const { recordName, recordStart, dataStart, recordEnd } = entry;
      expect(object.subarray(dataStart, recordEnd).equals(content)).toBe(true);
      expect(entry).toMatchObject({ verified: true, method: 0, crc32: crc32(content) });
      if (content.length > RECORD_LIMIT_BYTES) {
        expect([recordName, recordStart]).toEqual([undefined, dataStart]);
      } else {
        expect(recordName).toBe(entry.name.replace('folder/', ''));
        expectHeader(object.subarray(recordStart, dataStart), entry);
      }
    });
  });

  test('lie side by side, without a gap', async () => {
    const { object, entries } = joined(await unpack(TAR));

    const ends = [0, ...entries.map(({ recordEnd }) => recordEnd)];
    expect(entries.map(({ recordStart }) => recordStart)).toEqual(ends.slice(0, -1));
    expect(ends.at(-1)).toBe(object.length);
  });

  test('make a batch zip that every reader accepts', async () => {
    const { object, entries } = joined(await unpack(TAR));
    const images = entries.map((entry) => ({ name: entry.name.replace('folder/', ''), entry }));
    const manifest = { bytes: Buffer.from('imageName\na.jpg\n'), modTime: 0, modDate: 33 };

    const zip = bytesOfLayout(object, layoutBatchZip(images, manifest));

    expect(readByPython(zip)).toEqual([...images.map(({ name }) => name), 'manifest.csv']);
    testByUnzip(zip);
  });

  test('have the time of their files, the even second before', async () => {
    const { entries } = joined(await unpack(tar([{ name: 'a.jpg', mtime: 1_700_000_001 }])));
    // 2023-11-14 22:13:20 UTC.
    expect(entries).toMatchObject([
      { modTime: (22 << 11) | (13 << 5) | 10, modDate: (43 << 9) | (11 << 5) | 14 },
    ]);
  });
});

describe('parts', () => {
  test('follow one another, each of 8 MiB or more but the last', async () => {
    const parts = await unpack(TAR);

    expect(parts.map(({ number }) => number)).toEqual(parts.map((_, index) => index + 1));
    let end = 0;
    for (const { start, bytes, tally, number } of parts) {
      expect(start).toBe(end);
      end += bytes.length;
      expect(tally).toMatchObject({ parts: number, partBytes: end });
    }
    for (const { bytes } of parts.slice(0, -1)) {
      expect(bytes.length).toBeGreaterThanOrEqual(8 * MIB);
      expect(bytes.length).toBeLessThan(8 * MIB + RECORD_LIMIT_BYTES + 100);
    }
    expect(parts.at(-1)?.bytes.length).toBeLessThan(8 * MIB);
  });

  test('end with a file, but in one that is written as data alone', async () => {
    const ends = (await unpack(TAR)).map(({ border, entries }) => [
      border === 'end' ? 'end' : border && 'file',
      entries.map(({ name }) => name),
    ]);

    expect(ends).toEqual([
      [undefined, ['folder/a.jpg', 'empty.jpg', 'limit.jpg']],
      [undefined, ['folder/data.jpg', 'größe.jpg']],
      [undefined, []],
      ['file', ['parts.jpg', 'b.jpg']],
      ['file', ['c.jpg', 'd.jpg', 'e.jpg']],
      ['end', ['last.jpg']],
    ]);
  });

  test('are the same ones from any border on, however the TAR is cut into chunks', async () => {
    const parts = await unpack(TAR);

    for (const [index, { border, tally }] of parts.entries()) {
      if (border === undefined || border === 'end') continue;
      const rest = await unpack(TAR, { from: { border, tally }, chunkBytes: 77_777 });
      expect(rest.map(digest)).toEqual(parts.slice(index + 1).map(digest));
    }
  });

  test('may end with one that is empty', async () => {
    const parts = await unpack(tar([{ name: 'a.jpg', content: noise(8 * MIB) }]));

    expect(parts.map(({ bytes, border }) => [bytes.length, border === 'end'])).toEqual([
      [8 * MIB, false],
      [0, true],
    ]);
  });

  test('are one that is empty where there are no files', async () => {
    expect(await unpack(tar([{ name: 'folder/', type: '5' }]))).toEqual([
      {
        ...{ number: 1, start: 0, bytes: Buffer.alloc(0), border: 'end', entries: [] },
        tally: { ...NOTHING_UNPACKED, parts: 1 },
      },
    ]);
  });

  test('are 10,000 at most', async () => {
    const tally = { files: 5, fileBytes: 5, parts: MAX_PARTS, partBytes: 12_345 };
    const from = { border: { offset: 0, globals: {} }, tally };

    expect(await unpack(tar([{ name: 'folder/', type: '5' }]), { from })).toHaveLength(1);
    await expect(unpack(tar([{ name: 'a.jpg' }]), { from })).rejects.toThrow(
      expect.objectContaining({
        name: 'LimitError',
        message:
          'The archive unpacks to more than 12345 bytes, the most that an upload of 10000 parts takes; split it, or compress it less',
      }),
    );
  });
});

describe('the size of parts', () => {
  test.each([0, 100 * MIB, 200 * GIB, TIB, 3.5 * TIB])(
    'is what S3 takes, for an archive of %d bytes',
    (archiveSize) => {
      const sizes = Array.from({ length: MAX_PARTS }, (_, index) =>
        recordPartBytes(index + 1, archiveSize),
      );
      expect(Math.min(...sizes)).toBeGreaterThanOrEqual(MIN_PART);
      expect(Math.max(...sizes) + RECORD_LIMIT_BYTES).toBeLessThanOrEqual(MAX_PART);
      const total = sizes.reduce((sum, size) => sum + size, 0);
      expect(total).toBeGreaterThanOrEqual(Math.max(290 * GIB, 1.25 * archiveSize));
    },
  );

  test('is 8 MiB for the first 5,000 of an archive below 200 GiB', () => {
    expect(recordPartBytes(1, 0)).toBe(8 * MIB);
    expect(recordPartBytes(5_000, 200 * GIB)).toBe(8 * MIB);
    expect(recordPartBytes(5_001, 200 * GIB)).toBe(16 * MIB);
    expect(recordPartBytes(MAX_PARTS, 200 * GIB)).toBe(88 * MIB);
  });

  test('decides where parts end', async () => {
    const archiveSize = 400 * GIB;
    const size = recordPartBytes(1, archiveSize);
    expect(size).toBeGreaterThan(13 * MIB);

    const [first] = await unpack(TAR, { archiveSize });

    expect(first?.bytes.length).toBeGreaterThanOrEqual(size);
    expect(first?.entries).toHaveLength(5);
  });
});

test.each([
  [{ maxEntries: 10 }, 'The archive has more than 10 entries, the limit (MAX_ENTRIES)'],
  [
    { maxEntryBytes: RECORD_LIMIT_BYTES },
    'Entry "folder/data.jpg": has 4194305 bytes, the limit is 4194304 (MAX_ENTRY_BYTES)',
  ],
  [
    { maxTotalBytes: 5 * MIB },
    "The archive's entries have 8389609 bytes or more together, the limit is 5242880 (MAX_TOTAL_BYTES)",
  ],
])('an archive is refused that is over %j', async (limits, message) => {
  await expect(unpack(TAR, { limits: { ...LIMITS, ...limits } })).rejects.toThrow(
    expect.objectContaining({ name: 'LimitError', message }),
  );
});

/** Unpacks a TAR, or what of it lies behind a border, and gives each buffer back at once. */
async function unpack(
  bytes: Buffer,
  {
    from = undefined as Pick<UnpackedStretch, 'border' | 'tally'> | undefined,
    archiveSize = bytes.length,
    chunkBytes = MIB,
    limits = LIMITS,
  } = {},
): Promise<KeptPart[]> {
  const start = from?.border === 'end' ? undefined : from?.border;
  const reader = new TarReader(inChunks(bytes, [chunkBytes], start?.offset), start);
  const tally = from?.tally ?? NOTHING_UNPACKED;
  const parts: KeptPart[] = [];
  for await (const part of recordParts(reader, { archiveSize, limits, from: tally })) {
    const { number, start, bytes, border, entries, tally } = part;
    parts.push({ number, start, bytes: Buffer.from(bytes), border, entries, tally });
    part.release?.();
  }
  return parts;
}

/** The same, to be compared at once. */
function digest({ bytes, ...part }: KeptPart) {
  return { ...part, bytes: createHash('sha256').update(bytes).digest('hex') };
}

function joined(parts: readonly KeptPart[]): { object: Buffer; entries: ZipEntry[] } {
  return {
    object: Buffer.concat(parts.map(({ bytes }) => bytes)),
    entries: parts.flatMap(({ entries }) => entries),
  };
}

/** A local header that says all of its entry, and has no descriptor behind it. */
function expectHeader(header: Buffer, { recordName = '', ...entry }: ZipEntry): void {
  const name = Buffer.from(recordName);
  expect(header.length).toBe(LOCAL_HEADER + name.length);
  expect(header.toString('latin1', 0, 4)).toBe('PK\x03\x04');
  expect(header.readUInt16LE(6)).toBe(name.length === recordName.length ? 0 : 0x800);
  expect(header.readUInt16LE(8)).toBe(0);
  expect(header.readUInt16LE(10)).toBe(entry.modTime);
  expect(header.readUInt16LE(12)).toBe(entry.modDate);
  expect(header.readUInt32LE(14)).toBe(entry.crc32);
  expect(header.readUInt32LE(18)).toBe(entry.compressedSize);
  expect(header.readUInt32LE(22)).toBe(entry.uncompressedSize);
  expect(header.readUInt16LE(28)).toBe(0);
  expect(header.subarray(LOCAL_HEADER)).toEqual(name);
}
