import { crc32, deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { EntryFacts } from '../../src/archive/zip-entry.ts';
import { centralHeader, endRecords, localHeader } from '../../src/archive/zip-records.ts';
import { craftExtra } from '../support/zip-crafting.ts';
import { extract, readByPython, readWhole, testByUnzip } from '../support/zip-fixtures.ts';

interface File {
  facts: EntryFacts;
  data: Buffer;
}

function file(name: string, content: Buffer, facts: Partial<EntryFacts> = {}): File {
  const data = facts.method === 8 ? deflateRawSync(content) : content;
  return {
    data,
    facts: {
      rawName: Buffer.from(name),
      versionMadeBy: 0x031e,
      versionNeeded: 20,
      flags: 0,
      method: 0,
      modTime: 0x6c20,
      modDate: 0x5a21,
      crc32: crc32(content),
      compressedSize: data.length,
      uncompressedSize: content.length,
      internalAttributes: 0,
      externalAttributes: (0o100644 << 16) >>> 0,
      extra: Buffer.alloc(0),
      comment: Buffer.alloc(0),
      ...facts,
    },
  };
}

function archive(files: readonly File[]): Buffer {
  const records: Buffer[] = [];
  const headers: Buffer[] = [];
  let offset = 0;
  for (const { facts, data } of files) {
    const local = localHeader(facts);
    records.push(local, data);
    headers.push(centralHeader(facts, offset));
    offset += local.length + data.length;
  }
  const directory = Buffer.concat(headers);
  const end = endRecords({ count: files.length, offset, length: directory.length });
  return Buffer.concat([...records, directory, end]);
}

describe('archives that are written', () => {
  test('stored, deflated and empty files are read by Python, unzip and the index', async () => {
    const written = archive([
      file('manifest.csv', Buffer.from('subjectId,imageName\n')),
      file('a.jpg', Buffer.alloc(100_000, 'a'), { method: 8 }),
      file('Blüte.jpg', Buffer.alloc(10, 'b'), { flags: 1 << 11 }),
      file('empty.jpg', Buffer.alloc(0)),
      file('kept.jpg', Buffer.from('k'), {
        extra: craftExtra(0xcafe, Buffer.from('extra')),
        comment: Buffer.from('comment'),
      }),
    ]);
    const names = ['manifest.csv', 'a.jpg', 'Blüte.jpg', 'empty.jpg', 'kept.jpg'];
    expect(readByPython(written)).toEqual(names);
    testByUnzip(written);
    const entries = await readWhole(written);
    expect(entries.map(({ name }) => name)).toEqual(names);
    expect(entries[4]).toMatchObject({
      extra: craftExtra(0xcafe, Buffer.from('extra')),
      comment: Buffer.from('comment'),
    });
    expect(extract(written, entries).get('a.jpg')).toEqual(Buffer.alloc(100_000, 'a'));
  });

  test('an archive without files', async () => {
    expect(readByPython(archive([]))).toEqual([]);
    expect(await readWhole(archive([]))).toEqual([]);
  });

  test.each([65_534, 65_536])('%i files', async (count) => {
    const written = archive(
      Array.from({ length: count }, (_, index) => file(`${index}.jpg`, Buffer.from([index & 255]))),
    );
    expect(readByPython(written)).toHaveLength(count);
    testByUnzip(written);
    expect(await readWhole(written, { chunkBytes: 1024 * 1024 })).toHaveLength(count);
  });
});

test("a local header announces no data descriptor, whatever the source's did", () => {
  const { facts } = file('a', Buffer.alloc(0), { flags: (1 << 11) | (1 << 3) });
  expect(localHeader(facts).readUInt16LE(6)).toBe(1 << 11);
});

describe('fields of 64 bits', () => {
  const large = 5 * 2 ** 32;

  test("a local header's Zip64 field holds both sizes, whichever needs it", () => {
    const { facts } = file('a', Buffer.alloc(0), { compressedSize: 7, uncompressedSize: large });
    const header = localHeader(facts);
    expect(header.readUInt16LE(4)).toBe(45);
    expect([header.readUInt32LE(18), header.readUInt32LE(22)]).toEqual([0xffffffff, 0xffffffff]);
    expect(header.subarray(31)).toEqual(zip64Field(large, 7));
  });

  test.each<[string, Partial<EntryFacts>, number, number[]]>([
    ['nothing', {}, 0xfffffffe, []],
    ['the offset', {}, 0xffffffff, [0xffffffff]],
    ['one size', { uncompressedSize: large }, 1, [large]],
    ['both sizes', { uncompressedSize: large, compressedSize: large + 1 }, 1, [large, large + 1]],
    [
      'everything',
      { uncompressedSize: large, compressedSize: large + 1 },
      large + 2,
      [large, large + 1, large + 2],
    ],
  ])("a central header's Zip64 field holds what overflows: %s", (_, sizes, offset, values) => {
    const kept = craftExtra(0xcafe, Buffer.from('kept'));
    const { facts } = file('a', Buffer.alloc(0), { ...sizes, extra: kept });
    const header = centralHeader(facts, offset);
    const zip64 = values.length > 0 ? zip64Field(...values) : Buffer.alloc(0);
    expect(header.subarray(47)).toEqual(Buffer.concat([zip64, kept]));
    expect(header.readUInt16LE(30)).toBe(zip64.length + kept.length);
  });

  test('the end records are wide where an offset needs it', () => {
    const end = endRecords({ count: 3, offset: large, length: 100 });
    expect(end).toHaveLength(56 + 20 + 22);
    expect(end.readBigUInt64LE(48)).toBe(BigInt(large));
    expect(end.readBigUInt64LE(56 + 8)).toBe(BigInt(large + 100));
    expect(end.readUInt32LE(76 + 16)).toBe(0xffffffff);
    expect(end.readUInt32LE(76 + 12)).toBe(100);
    expect(end.readUInt16LE(76 + 10)).toBe(3);
  });
});

function zip64Field(...values: readonly number[]): Buffer {
  const data = Buffer.alloc(8 * values.length);
  values.forEach((value, index) => {
    data.writeBigUInt64LE(BigInt(value), 8 * index);
  });
  return craftExtra(0x0001, data);
}
