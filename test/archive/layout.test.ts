import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { unpackedEntry } from '../../src/archive/index-file.ts';
import {
  type BatchImage,
  isLiteral,
  layoutBatchZip,
  type ObjectLayout,
} from '../../src/archive/layout.ts';
import { decodeLayout, encodeLayout, layoutFingerprint } from '../../src/archive/layout-file.ts';
import { planParts } from '../../src/archive/part-plan.ts';
import { bufferReader } from '../../src/archive/range-reader.ts';
import type { ZipEntry } from '../../src/archive/zip-entry.ts';
import { readZipIndex } from '../../src/archive/zip-index.ts';
import { unzip } from '../support/split-in-memory.ts';
import {
  bytesOfLayout,
  LIMITS,
  pythonZip,
  readByPython,
  readWhole,
  testByUnzip,
} from '../support/zip-fixtures.ts';

const MANIFEST = { bytes: Buffer.from('imageName\na.jpg\n'), modTime: 0, modDate: 33 };
const GIB = 1024 ** 3;

describe('layoutBatchZip', () => {
  test.each([
    ['stored', { seekable: true, method: 'ZIP_STORED' }],
    ['deflated', { seekable: true, method: 'ZIP_DEFLATED' }],
    ['stored, with data descriptors', { seekable: false, method: 'ZIP_STORED' }],
    ['deflated, with data descriptors', { seekable: false, method: 'ZIP_DEFLATED' }],
  ])('makes an archive that every reader accepts of entries: %s', async (_, options) => {
    const source = sourceZip(options);
    const zip = bytesOfLayout(source, layoutBatchZip(await imagesOf(source), MANIFEST));

    expect(readByPython(zip)).toEqual(['a.jpg', 'b.jpg', 'c.jpg', 'manifest.csv']);
    testByUnzip(zip);
    expect((await readWhole(zip)).map(({ name }) => name)).toHaveLength(4);
  });

  test('gives an image another name, in ASCII or not, whatever it had before', async () => {
    for (const seekable of [true, false]) {
      const source = sourceZip({ seekable, method: 'ZIP_DEFLATED' });
      const [a, b, c] = await imagesOf(source);
      const images = [
        { name: 'x.jpg', entry: a?.entry as ZipEntry },
        { name: 'ä 中.jpg', entry: b?.entry as ZipEntry },
        c as BatchImage,
      ];
      const zip = bytesOfLayout(source, layoutBatchZip(images, MANIFEST));

      expect(readByPython(zip)).toEqual(['x.jpg', 'ä 中.jpg', 'c.jpg', 'manifest.csv']);
      testByUnzip(zip);
      await expect(readWhole(zip)).resolves.toHaveLength(4);
    }
  });

  test('takes neighbours as one run of the source, byte by byte', async () => {
    const source = sourceZip({ seekable: true, method: 'ZIP_STORED' });
    const [first, second] = await imagesOf(source);
    const layout = layoutBatchZip([first as BatchImage, second as BatchImage], MANIFEST);

    expect(layout.pieces.slice(0, 2)).toEqual([
      { start: 0, end: second?.entry.recordStart, entry: 0 },
      { start: second?.entry.recordStart, end: second?.entry.recordEnd, entry: 1 },
    ]);
    expect(layout.pieces.slice(2).every(isLiteral)).toBe(true);
  });

  describe('of files of a TAR', () => {
    const content = [Buffer.from('the first'), Buffer.alloc(0), Buffer.from('the third')];
    const source = Buffer.concat([Buffer.alloc(512), ...content, Buffer.alloc(512)]);
    const entries = content.map((data, index) => {
      const dataStart = 512 + Buffer.concat(content.slice(0, index)).length;
      const place = { recordName: undefined, recordStart: dataStart, dataStart };
      const time = { modTime: 0, modDate: 33 };
      const name = `folder/größe ${index}.jpg`;
      return unpackedEntry({ name, size: data.length, crc32: crc32(data), ...time, ...place });
    });
    const images = entries.map((entry, index) => ({ name: `größe ${index}.jpg`, entry }));

    test('gives each that has no record a local header before its data', () => {
      const zip = bytesOfLayout(source, layoutBatchZip(images, MANIFEST));

      expect(readByPython(zip)).toEqual([...images.map(({ name }) => name), 'manifest.csv']);
      testByUnzip(zip);
      expect([...unzip(zip).values()]).toEqual([...content, MANIFEST.bytes]);
    });

    test('gives one with a record a local header, too, where it is renamed', () => {
      const record = Buffer.concat([Buffer.alloc(99, 'not this header'), Buffer.from('data')]);
      const entry = unpackedEntry({
        ...{ name: 'a/b.jpg', recordName: 'b.jpg', size: 4, crc32: crc32('data') },
        ...{ modTime: 0, modDate: 33, recordStart: 0, dataStart: 99 },
      });

      const zip = bytesOfLayout(record, layoutBatchZip([{ name: 'c.jpg', entry }], MANIFEST));

      expect(readByPython(zip)).toEqual(['c.jpg', 'manifest.csv']);
    });

    test('takes those that have records as one run, none of them to be verified', () => {
      const records = [0, 100, 200].map((recordStart) => {
        const place = { recordName: 'a.jpg', recordStart, dataStart: recordStart + 40 };
        const facts = { size: 60, crc32: 0, modTime: 0, modDate: 33 };
        return unpackedEntry({ name: 'folder/a.jpg', ...facts, ...place });
      });
      const layout = layoutBatchZip(
        records.map((entry) => ({ name: 'a.jpg', entry })),
        MANIFEST,
      );

      expect(layout.pieces.slice(0, 3)).toEqual([
        { start: 0, end: 100 },
        { start: 100, end: 200 },
        { start: 200, end: 300 },
      ]);
      expect(layout.entries).toEqual([]);
      expect(planParts(layout).spans).toEqual([]);
    });

    test('has those verified that are not yet, and no others', async () => {
      const [first] = await imagesOf(sourceZip({ seekable: true, method: 'ZIP_STORED' }));
      const unverified = first as BatchImage;
      const [verified] = images as [BatchImage];
      const layout = layoutBatchZip([verified, unverified], MANIFEST);

      expect(layout.entries).toEqual([unverified.entry]);
      expect(layout.pieces.filter((piece) => !isLiteral(piece))).toEqual([
        { start: verified.entry.dataStart, end: verified.entry.recordEnd },
        { start: 0, end: unverified.entry.recordEnd, entry: 0 },
      ]);
    });
  });

  test('needs no Zip64 below 4 GiB and 65,535 entries', () => {
    const tail = tailOf(layoutBatchZip(bigImages([GIB, 2 * GIB]), MANIFEST));

    expect(tail.includes(ZIP64_END)).toBe(false);
  });

  test('uses Zip64 for an offset over 4 GiB, and only there', () => {
    const layout = layoutBatchZip(bigImages([3 * GIB, 3 * GIB, 10]), MANIFEST);
    const tail = tailOf(layout);

    // The third image and the manifest lie behind 4 GiB.
    expect(countOf(tail, Buffer.from([1, 0, 8, 0]))).toBe(2);
    expect(tail.readBigUInt64LE(tail.indexOf(Buffer.from([1, 0, 8, 0])) + 4)).toBe(
      BigInt(2 * (3 * GIB + HEADER)),
    );
    const end = tail.indexOf(ZIP64_END);
    expect(tail.readBigUInt64LE(end + 32)).toBe(4n);
    expect(tail.readBigUInt64LE(end + 48)).toBe(BigInt(layout.size - tail.length));
  });

  test('uses Zip64 for an image over 4 GiB, in its new local header too', () => {
    const [image] = bigImages([5 * GIB]);
    const layout = layoutBatchZip(
      [{ name: 'other.jpg', entry: image?.entry as ZipEntry }],
      MANIFEST,
    );

    const [header] = layout.pieces;
    const local = header && isLiteral(header) ? header.bytes : Buffer.alloc(0);
    expect(local.subarray(-20)).toEqual(zip64Sizes(5 * GIB));
    expect(tailOf(layout).includes(zip64Sizes(5 * GIB))).toBe(true);
  });

  test('uses Zip64 for the number of entries from 65,535 up', () => {
    const images = (count: number) => bigImages(Array(count).fill(0));

    expect(tailOf(layoutBatchZip(images(65_533), MANIFEST)).includes(ZIP64_END)).toBe(false);
    expect(tailOf(layoutBatchZip(images(65_534), MANIFEST)).includes(ZIP64_END)).toBe(true);
  });
});

describe('the stored layout', () => {
  test('is read as it was written', async () => {
    const source = sourceZip({ seekable: false, method: 'ZIP_DEFLATED' });
    const layout = layoutBatchZip(await imagesOf(source), MANIFEST);
    const plan = planParts(layout, { minPart: 100, copyTarget: 200, joinTarget: 100 });

    const stored = decodeLayout(encodeLayout(layout, plan, 'abc'));

    expect(stored).toMatchObject({ size: layout.size, fingerprint: 'abc', ...plan });
    expect(layout.entries).toMatchObject(stored.entries);
  });

  test('has a fingerprint that changes with the source and with any byte', async () => {
    const source = sourceZip({ seekable: true, method: 'ZIP_STORED' });
    const images = await imagesOf(source);
    const of = (list: readonly BatchImage[], manifest: string, etag: string) =>
      layoutFingerprint(layoutBatchZip(list, { ...MANIFEST, bytes: Buffer.from(manifest) }), [
        'bucket',
        'key',
        etag,
      ]);
    const fingerprints = [
      of(images, 'a', '1'),
      of(images, 'b', '1'),
      of(images, 'a', '2'),
      of(images.slice(1), 'a', '1'),
      of(images.toReversed(), 'a', '1'),
    ];

    expect(new Set(fingerprints).size).toBe(5);
    expect(of(images, 'a', '1')).toBe(fingerprints[0]);
  });
});

const ZIP64_END = Buffer.from('PK\x06\x06', 'latin1');
const HEADER = 30 + '0.jpg'.length;

function sourceZip({ seekable, method }: { seekable: boolean; method: string }): Buffer {
  return pythonZip(
    `
with ZipFile(target, 'w', ${method}) as archive:
    for name in ['a.jpg', 'b.jpg', 'c.jpg']:
        archive.writestr(name, name.encode() * 100)
`,
    { seekable },
  );
}

async function imagesOf(source: Buffer): Promise<BatchImage[]> {
  const entries = await readZipIndex(bufferReader(source), LIMITS);
  return entries.map((entry) => ({ name: entry.name, entry }));
}

/** Images of these sizes in bytes, side by side in a source that nobody has. */
function bigImages(sizes: readonly number[]): BatchImage[] {
  let position = 0;
  return sizes.map((size) => {
    const name = `${position % 10}.jpg`;
    const recordStart = position;
    position += HEADER + size;
    const entry: ZipEntry = {
      name,
      recordName: name,
      verified: false,
      rawName: Buffer.from(name),
      versionMadeBy: 20,
      versionNeeded: 20,
      flags: 0,
      method: 0,
      modTime: 0,
      modDate: 33,
      crc32: crc32(name),
      compressedSize: size,
      uncompressedSize: size,
      internalAttributes: 0,
      externalAttributes: 0,
      extra: Buffer.alloc(0),
      comment: Buffer.alloc(0),
      recordStart,
      dataStart: recordStart + HEADER,
      recordEnd: position,
    };
    return { name, entry };
  });
}

function zip64Sizes(size: number): Buffer {
  const extra = Buffer.from([1, 0, 16, 0, ...Array(16).fill(0)]);
  extra.writeBigUInt64LE(BigInt(size), 4);
  extra.writeBigUInt64LE(BigInt(size), 12);
  return extra;
}

/** The central directory and the end records. */
function tailOf({ pieces }: ObjectLayout): Buffer {
  const last = pieces.at(-1);
  if (!last || !isLiteral(last)) throw new Error('The layout ends in the source');
  return last.bytes;
}

function countOf(bytes: Buffer, wanted: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted, at + 1)) count += 1;
  return count;
}
