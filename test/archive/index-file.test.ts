import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeStretch, encodeStretch, unpackedEntry } from '../../src/archive/index-file.ts';
import { centralHeader } from '../../src/archive/zip-records.ts';

const WORD = fc.nat({ max: 0xffff });
const OFFSET = fc.maxSafeNat();

/** Text of any kind, lone surrogates included: they stand for bytes that are not UTF-8. */
const NAME = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1 }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { minLength: 1 })
    .map((units) => String.fromCharCode(...units)),
);

const FILE = fc.record({
  name: NAME,
  recordName: fc.option(NAME, { nil: undefined }),
  size: OFFSET,
  crc32: fc.nat({ max: 0xffffffff }),
  modTime: WORD,
  modDate: WORD,
  recordStart: OFFSET,
  dataStart: OFFSET,
});

describe('a stretch of an index', () => {
  test('is read as it was written', () => {
    const resume = fc.jsonValue();
    fc.assert(
      fc.property(fc.array(FILE), resume, (files, resume) => {
        const stretch = { entries: files.map(unpackedEntry), resume };
        const { entries, ...rest } = decodeStretch(encodeStretch(stretch));
        expect(entries).toEqual(stretch.entries);
        expect(JSON.stringify(rest.resume)).toBe(JSON.stringify(resume));
      }),
    );
  });

  test('takes less than 30 bytes a file where names follow one another', () => {
    const entries = Array.from({ length: 1000 }, (_, index) =>
      unpackedEntry({
        ...{ name: `image-${index}.jpg`, recordName: `image-${index}.jpg`, size: 2000 },
        ...{ crc32: (index * 2654435761) >>> 0, modTime: 0, modDate: 33 },
        ...{ recordStart: index * 2043, dataStart: index * 2043 + 43 },
      }),
    );
    expect(encodeStretch({ entries, resume: {} }).length).toBeLessThan(30 * entries.length);
  });

  test('of another format is refused', () => {
    const bytes = encodeStretch({ entries: [], resume: {} });
    const later = { ...JSON.parse(gunzipSync(bytes).toString()), format: 2 };
    expect(() => decodeStretch(gzipSync(JSON.stringify(later)))).toThrow(
      'Expected an index of format 1, got 2',
    );
  });
});

describe('the entry of an unpacked file', () => {
  const file = {
    ...{ name: 'folder/größe.jpg', recordName: 'größe.jpg', size: 2000, crc32: 0x12345678 },
    ...{ modTime: 0x6000, modDate: 0x5861, recordStart: 100, dataStart: 141 },
  };

  test('ends with its data, is stored, and needs no reading to be verified', () => {
    expect(unpackedEntry(file)).toMatchObject({
      ...{ name: 'folder/größe.jpg', recordName: 'größe.jpg', rawName: Buffer.from('größe.jpg') },
      ...{ method: 0, compressedSize: 2000, uncompressedSize: 2000, crc32: 0x12345678 },
      ...{ recordStart: 100, dataStart: 141, recordEnd: 2141, verified: true },
    });
  });

  test('says in a central directory that its name is UTF-8, where it is not ASCII', () => {
    const flagsOf = (recordName: string) =>
      centralHeader(unpackedEntry({ ...file, recordName }), 0).readUInt16LE(8);
    expect([flagsOf('größe.jpg'), flagsOf('a.jpg')]).toEqual([0x800, 0]);
  });

  test('without a record is named by its path', () => {
    const { rawName, recordName } = unpackedEntry({ ...file, recordName: undefined });
    expect([String(rawName), recordName]).toEqual(['folder/größe.jpg', undefined]);
  });
});
