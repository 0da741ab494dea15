import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RangeReader } from '../../src/archive/range-reader.ts';
import { readCentralDirectory } from '../../src/archive/zip-central.ts';
import { readEndRecords } from '../../src/archive/zip-end.ts';
import { readZipIndex } from '../../src/archive/zip-index.ts';
import {
  type ArchivedFile,
  layoutZip,
  zipDirectory,
  zipHeader,
} from '../../src/archive/zip-layout.ts';
import {
  type CentralDirectoryExtent,
  endRecords,
  ZIP64_END_SIGNATURE,
} from '../../src/archive/zip-records.ts';
import { jsonByPython } from '../support/python.ts';
import { LIMITS } from '../support/zip-fixtures.ts';
import { judgeZip } from '../support/zip-judges.ts';

const KIB = 1024;
const GIB = KIB ** 3;

/** The least number that a 32-bit field can't say itself. */
const MARK_32 = 2 ** 32 - 1;

describe('layoutZip', () => {
  test('puts a header before the content of each file, and the directory at the end', () => {
    const { pieces, size } = layoutZip([file('a', 10), file('folder/bä', 0), file('c', 5 * GIB)]);
    expect(pieces).toEqual([
      { header: 0, length: 31 },
      { source: 0, start: 0, end: 10 },
      { header: 1, length: 40 },
      { header: 2, length: 31 + 20 },
      { source: 2, start: 0, end: 5 * GIB },
      { directory: true, length: expect.any(Number) },
    ]);
    const directory = pieces.at(-1) as { length: number };
    expect(size).toBe(31 + 10 + 40 + 51 + 5 * GIB + directory.length);
  });

  test('gives every record the length that it has, whatever the CRC-32s are', () => {
    const sizes = fc.oneof(fc.nat({ max: 1000 }), fc.integer({ min: MARK_32 - 2, max: 2 ** 44 }));
    const crcs = fc.integer({ min: 0, max: 0xffffffff });
    fc.assert(
      fc.property(fc.array(fc.tuple(sizes, crcs), { maxLength: 20 }), (all) => {
        const files = all.map(([size], index) => file(`ä/${index}`, size));
        for (const piece of layoutZip(files).pieces) {
          if ('start' in piece) continue;
          const crcOf = (index: number) => all[index]?.[1] ?? 0;
          const bytes =
            'directory' in piece
              ? zipDirectory(files, crcOf)
              : zipHeader(files[piece.header] as ArchivedFile, crcOf(piece.header));
          expect(bytes).toHaveLength(piece.length);
        }
      }),
    );
  });

  test('makes an archive that all judges accept', async () => {
    const contents = ['', 'small', 'x'.repeat(100_000)].map((text) => Buffer.from(text));
    const names = ['leer.txt', 'Bücher/ä 中.png', 'b/c/d.bin'];
    const files = contents.map((content, index) => ({
      ...file(names[index] as string, content.length),
      crc32: crc32(content),
    }));
    const { size } = layoutZip(files);
    const archive = Buffer.concat([
      ...files.flatMap((facts, index) => [
        zipHeader(facts, facts.crc32),
        contents[index] as Buffer,
      ]),
      zipDirectory(files, (index) => files[index]?.crc32 as number),
    ]);
    expect(archive).toHaveLength(size);
    expect(await judgeZip(archive)).toEqual(names);
  });

  test('makes an archive of no file at all', () => {
    expect(layoutZip([])).toEqual({ size: 22, pieces: [{ directory: true, length: 22 }] });
    expect(
      readEndRecords(
        zipDirectory([], () => 0),
        22,
      ),
    ).toEqual({ count: 0, offset: 0, length: 0 });
  });
});

describe('its records, read back', () => {
  const mixed = Array.from({ length: 400 }, (_, index) =>
    index % 2 === 0 ? 500_000_000 - index : 1000 + index,
  );

  test.each([
    ['a file over 4 GiB, and files behind it', [10, 5 * GIB, 0, 4 * GIB, 20]],
    ['a file of 5 TB', [5e12]],
    ['100 GB of mixed sizes', mixed],
    ['an archive that the directory puts over 4 GiB', [4 * GIB - 200, 1, 1]],
  ])('say what was laid out, to Python, too: %s', async (_, sizes) => {
    const files = sizes.map((size, index) => file(`f/${index}.bin`, size));
    const archive = new SparseArchive(files);
    const entries = await readZipIndex(archive, {
      ...LIMITS,
      maxEntryBytes: 2 ** 43,
      maxTotalBytes: 2 ** 43,
    });

    const expected = placesOf(files);
    expect(
      entries.map(
        ({ name, uncompressedSize, compressedSize, recordStart, dataStart, recordEnd }) => [
          ...[name, uncompressedSize, compressedSize],
          ...[recordStart, dataStart, recordEnd],
        ],
      ),
    ).toEqual(
      expected.map(({ name, size, start, data, end }) => [name, size, size, start, data, end]),
    );
    expect(archive.readByPython()).toEqual(
      expected.map(({ name, size, start }) => [name, size, size, start]),
    );
  });

  test('say what was laid out: 100,000 files, more than 65,535', async () => {
    const files = Array.from({ length: 100_000 }, (_, index) => file(`${index}.jpg`, index));
    const { size } = layoutZip(files);
    const window = zipDirectory(files, (index) => index);
    const directory = readEndRecords(window, size) as CentralDirectoryExtent;
    const entries: unknown[] = [];
    for await (const entry of readCentralDirectory(window, size, directory)) {
      entries.push([entry.name, entry.uncompressedSize, entry.crc32, entry.recordStart]);
    }
    expect(entries).toEqual(
      placesOf(files).map(({ name, size, start }, index) => [name, size, index, start]),
    );
  });
});

describe('Zip64 is used for', () => {
  test.each([
    [MARK_32 - 1, 0],
    [MARK_32, 20],
    [MARK_32 + 1, 20],
  ])('a size of %d bytes: %d more in the local header', (size, more) => {
    const header = zipHeader(file('a', size), 0);
    expect(header).toHaveLength(31 + more);
    // Both sizes, in the order of APPNOTE.TXT 4.5.3, and the version that can read them.
    expect(header.readUInt32LE(18)).toBe(Math.min(size, MARK_32));
    expect(header.readUInt32LE(22)).toBe(Math.min(size, MARK_32));
    expect(header.readUInt16LE(4)).toBe(more > 0 ? 45 : 20);
    if (more === 0) return;
    expect(header.subarray(31)).toEqual(zip64Field(size, size));
  });

  test.each([
    [MARK_32 - 1, [], false],
    [MARK_32, [MARK_32], true],
    [MARK_32 + 1, [MARK_32 + 1], true],
  ])('an offset of %d', (offset, values, isZip64) => {
    const sizes = [3 * GIB, offset - 3 * GIB - 2 * 31, 0];
    const directory = zipDirectory(
      sizes.map((size) => file('a', size)),
      () => 0,
    );
    const third = directory.subarray(2 * 47);
    expect(third.readUInt32LE(42)).toBe(Math.min(offset, MARK_32));
    expect(third.subarray(47, 47 + third.readUInt16LE(30))).toEqual(zip64Field(...values));
    expect(third.readUInt16LE(6)).toBe(isZip64 ? 45 : 20);
  });

  test('sizes and the offset of one file, in their order', () => {
    const directory = zipDirectory([file('a', 5 * GIB), file('b', 6 * GIB)], () => 0);
    const second = directory.subarray(47 + 20);
    expect(second.subarray(47, 47 + 28)).toEqual(zip64Field(6 * GIB, 6 * GIB, 5 * GIB + 51));
  });

  test.each([
    [65_534, false],
    [65_535, true],
    [65_536, true],
  ])('a count of %d: %s', (count, isZip64) => {
    const files = Array.from({ length: count }, () => file('a', 0));
    const directory = zipDirectory(files, () => 0);
    expect(hasZip64End(directory)).toBe(isZip64);
    expect(readEndRecords(directory, 31 * count + directory.length)).toEqual({
      count,
      offset: 31 * count,
      length: 47 * count,
    });
  });

  test.each([
    ['an offset of', { count: 1, offset: MARK_32, length: 47 }],
    ['an offset over', { count: 1, offset: 5e12, length: 47 }],
    ['a length of', { count: 1, offset: 0, length: MARK_32 }],
    ['a length over', { count: 100_000, offset: 7, length: 6 * GIB }],
  ])('a directory with %s 4 GiB', (_, directory) => {
    const records = endRecords(directory);
    const size = directory.offset + directory.length + records.length;
    expect(hasZip64End(records)).toBe(true);
    expect(readEndRecords(records, size)).toEqual(directory);
  });

  test('a directory only where it must', () => {
    const directory = { count: 65_534, offset: MARK_32 - 1, length: MARK_32 - 1 };
    expect(endRecords(directory)).toHaveLength(22);
  });
});

/** An archive as it is laid out, of zeros but for its records. */
class SparseArchive implements RangeReader {
  readonly size: number;
  readonly #islands: (readonly [offset: number, bytes: Buffer])[] = [];

  constructor(files: readonly ArchivedFile[]) {
    const layout = layoutZip(files);
    const crcOf = (index: number) => crcOfZeros(files[index]?.size ?? 0);
    let position = 0;
    for (const piece of layout.pieces) {
      if ('start' in piece) {
        position += piece.end - piece.start;
        continue;
      }
      const bytes =
        'directory' in piece
          ? zipDirectory(files, crcOf)
          : zipHeader(files[piece.header] as ArchivedFile, crcOf(piece.header));
      this.#islands.push([position, bytes]);
      position += piece.length;
    }
    expect(position).toBe(layout.size);
    this.size = position;
  }

  async read(start: number, end: number): Promise<Buffer> {
    const bytes = Buffer.alloc(end - start);
    for (const [offset, island] of this.#islands) {
      if (offset >= end || offset + island.length <= start) continue;
      const from = Math.max(offset, start);
      island.copy(bytes, from - start, from - offset, end - offset);
    }
    return bytes;
  }

  /**
   * What Python's `zipfile` finds: name, sizes and offset of each entry, once it has opened it by its
   * local header, and has checked the CRC-32 of the small ones.
   */
  readByPython(): [name: string, size: number, compressed: number, offset: number][] {
    const program = `
import bisect, json, sys, zipfile
size, places = json.loads(sys.stdin.buffer.readline())
islands = [sys.stdin.buffer.read(length) for _, length in places]
starts = [start for start, _ in places]
class Sparse:
    at = 0
    def seekable(self): return True
    def tell(self): return self.at
    def seek(self, offset, whence=0):
        self.at = offset + (0, self.at, size)[whence]
        return self.at
    def read(self, length=-1):
        end = size if length < 0 else min(size, self.at + length)
        data = bytearray(end - self.at)
        for n in range(max(0, bisect.bisect(starts, self.at) - 1), bisect.bisect_left(starts, end)):
            start = max(starts[n], self.at)
            piece = islands[n][start - starts[n]:end - starts[n]]
            data[start - self.at:start - self.at + len(piece)] = piece
        self.at = end
        return bytes(data)
archive = zipfile.ZipFile(Sparse())
for info in archive.infolist():
    with archive.open(info) as entry:
        if info.file_size < 100_000: entry.read()
json.dump([[i.filename, i.file_size, i.compress_size, i.header_offset] for i in archive.infolist()], sys.stdout)
`;
    const places = this.#islands.map(([offset, { length }]) => [offset, length]);
    const head = Buffer.from(`${JSON.stringify([this.size, places])}\n`);
    const input = Buffer.concat([head, ...this.#islands.map(([, bytes]) => bytes)]);
    return jsonByPython(program, input);
  }
}

/** Small files have a CRC-32 that can be checked. */
function crcOfZeros(size: number): number {
  return size < 100_000 ? crc32(Buffer.alloc(size)) : 0;
}

/** Where the record and the data of each file have to lie. */
function placesOf(files: readonly ArchivedFile[]) {
  let position = 0;
  return files.map(({ name, size }) => {
    const start = position;
    const data = start + 30 + Buffer.byteLength(name) + (size >= MARK_32 ? 20 : 0);
    position = data + size;
    return { name, size, start, data, end: position };
  });
}

function file(name: string, size: number): ArchivedFile {
  return { name, size, crc32: undefined, modTime: 0, modDate: 0x5a21 };
}

/** The Zip64 extra field (APPNOTE.TXT 4.5.3), or nothing where it would have no value. */
function zip64Field(...values: readonly number[]): Buffer {
  if (values.length === 0) return Buffer.alloc(0);
  const field = Buffer.alloc(4 + 8 * values.length);
  field.writeUInt16LE(1, 0);
  field.writeUInt16LE(8 * values.length, 2);
  values.forEach((value, index) => void field.writeBigUInt64LE(BigInt(value), 4 + 8 * index));
  return field;
}

function hasZip64End(records: Buffer): boolean {
  const signature = Buffer.alloc(4);
  signature.writeUInt32LE(ZIP64_END_SIGNATURE);
  return records.includes(signature);
}
