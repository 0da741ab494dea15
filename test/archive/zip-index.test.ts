import { describe, expect, test } from 'vitest';
import { bufferReader } from '../../src/archive/range-reader.ts';
import { FLAG_DATA_DESCRIPTOR } from '../../src/archive/zip-entry.ts';
import { readZipIndex } from '../../src/archive/zip-index.ts';
import { craftDescriptor, craftExtra, craftZip } from '../support/zip-crafting.ts';
import {
  countingReader,
  extract,
  HAS_INFO_ZIP,
  infoZip,
  LIMITS,
  pythonZip,
  readWhole,
} from '../support/zip-fixtures.ts';

const FILES = {
  'manifest.csv': Buffer.from('subjectId,imageName\n1,a.jpg\n'),
  'a.jpg': Buffer.alloc(5000, 'a'),
  'folder/b.jpg': Buffer.alloc(70_000, 'b'),
};

const PYTHON_FILES = `
files = {'manifest.csv': b'subjectId,imageName\\n1,a.jpg\\n', 'a.jpg': b'a' * 5000, 'folder/b.jpg': b'b' * 70000}
def write(method):
    with ZipFile(target, 'w', method) as archive:
        for name, data in files.items(): archive.writestr(name, data)
`;

describe("archives that Python's zipfile made", () => {
  test.each([
    ['stored', 'write(ZIP_STORED)', true],
    ['deflated', 'write(ZIP_DEFLATED)', true],
    ['stored, streamed with data descriptors', 'write(ZIP_STORED)', false],
    ['deflated, streamed with data descriptors', 'write(ZIP_DEFLATED)', false],
  ])('%s', async (_, script, seekable) => {
    const archive = pythonZip(`${PYTHON_FILES}\n${script}`, { seekable });
    const entries = await readWhole(archive);
    expect(extract(archive, entries)).toEqual(new Map(Object.entries(FILES)));
    expect(entries.every(({ flags }) => (flags & FLAG_DATA_DESCRIPTOR) === 0)).toBe(seekable);
  });

  test.each([true, false])(
    'Zip64 sizes in every local header, seekable output: %s',
    async (seekable) => {
      const script = `${PYTHON_FILES}
with ZipFile(target, 'w', ZIP_DEFLATED) as archive:
    for name, data in files.items():
        with archive.open(name, 'w', force_zip64=True) as entry: entry.write(data)
`;
      const archive = pythonZip(script, { seekable });
      const entries = await readWhole(archive);
      expect(extract(archive, entries)).toEqual(new Map(Object.entries(FILES)));
    },
  );

  test('names in UTF-8, a directory, comments, an archive comment', async () => {
    const archive = pythonZip(`
with ZipFile(target, 'w') as archive:
    archive.mkdir('Blüten')
    info = ZipInfo('Blüten/Schneeglöckchen 雪.jpg', (2024, 2, 29, 12, 30, 58))
    info.comment = b'first'
    archive.writestr(info, b'jpeg')
    archive.comment = b'an export' * 1000
`);
    const entries = await readWhole(archive);
    expect(entries.map(({ name }) => name)).toEqual(['Blüten/', 'Blüten/Schneeglöckchen 雪.jpg']);
    expect(entries[1]).toMatchObject({
      comment: Buffer.from('first'),
      modDate: ((2024 - 1980) << 9) | (2 << 5) | 29,
      modTime: (12 << 11) | (30 << 5) | 29,
      uncompressedSize: 4,
      extra: Buffer.alloc(0),
    });
  });

  test('an archive without entries', async () => {
    expect(await readWhole(pythonZip("ZipFile(target, 'w').close()"))).toEqual([]);
  });

  test('66,000 entries, which need a Zip64 end record', async () => {
    const archive = pythonZip(`
with ZipFile(target, 'w') as archive:
    for i in range(66000): archive.writestr(ZipInfo(f'{i}.jpg'), str(i))
`);
    const entries = await readWhole(archive, { chunkBytes: 1024 * 1024 });
    expect(entries).toHaveLength(66_000);
    expect(entries[65_999]).toMatchObject({ name: '65999.jpg', compressedSize: 5 });
  });

  test('65,535 entries, as many as fit without one', async () => {
    const archive = pythonZip(`
with ZipFile(target, 'w') as archive:
    for i in range(65535): archive.writestr(ZipInfo(f'{i}.jpg'), b'')
`);
    expect(await readWhole(archive, { chunkBytes: 1024 * 1024 })).toHaveLength(65_535);
  });
});

describe.runIf(HAS_INFO_ZIP)('archives that Info-ZIP made', () => {
  test.each([
    ['stored, local extra fields longer than the central ones', ['-0', '-r', 'a.zip', '.']],
    ['deflated', ['-r', 'a.zip', '.']],
    ['without extra fields', ['-X', '-r', 'a.zip', '.']],
    ['without directories', ['-D', '-r', 'a.zip', '.']],
    ['with data descriptors', ['-fd', '-r', 'a.zip', '.']],
    ['Zip64 forced', ['-fz', '-r', 'a.zip', '.']],
    ['to a pipe', ['-r', '-', '.']],
    ['stored, to a pipe', ['-0', '-r', '-', '.']],
  ])('%s', async (_, args) => {
    const archive = infoZip(FILES, args);
    expect(extract(archive, await readWhole(archive))).toEqual(new Map(Object.entries(FILES)));
  });

  test('names that are not ASCII', async () => {
    const files = { 'Blüte.jpg': Buffer.from('b'), 'a.jpg': Buffer.from('a') };
    const archive = infoZip(files, ['-r', 'a.zip', '.']);
    expect(extract(archive, await readWhole(archive))).toEqual(new Map(Object.entries(files)));
  });
});

describe('what an index says of an entry', () => {
  test('entries come in the order of their records, whatever the order of the directory', async () => {
    const honest = craftZip([
      { name: 'a', data: Buffer.from('1') },
      { name: 'b', data: Buffer.from('2') },
    ]);
    const [first, second] = [honest.subarray(64, 64 + 47), honest.subarray(64 + 47, 64 + 94)];
    const swapped = Buffer.concat([honest.subarray(0, 64), second, first, honest.subarray(158)]);
    const entries = await readWhole(swapped);
    expect(entries.map(({ name, recordStart }) => [name, recordStart])).toEqual([
      ['a', 0],
      ['b', 32],
    ]);
  });

  test('records and data lie where they are said to', async () => {
    const data = Buffer.from('0123456789');
    const descriptor = craftDescriptor(data, { signed: true, wide: false });
    const archive = craftZip([
      { name: 'plain', data },
      { name: 'extra', data, local: { extra: craftExtra(0xcafe, Buffer.alloc(5)) } },
      { name: 'streamed', data, flags: FLAG_DATA_DESCRIPTOR, descriptor },
    ]);
    const entries = await readWhole(archive);
    expect(
      entries.map(({ recordStart, dataStart, recordEnd }) => [recordStart, dataStart, recordEnd]),
    ).toEqual([
      [0, 35, 45],
      [45, 45 + 35 + 9, 45 + 35 + 9 + 10],
      [99, 99 + 38, 99 + 38 + 10 + 16],
    ]);
  });

  test.each([
    { signed: false, wide: false },
    { signed: true, wide: false },
    { signed: false, wide: true },
    { signed: true, wide: true },
  ])('a data descriptor of any form: %o', async (form) => {
    const data = Buffer.from('0123456789');
    const entry = { data, flags: FLAG_DATA_DESCRIPTOR, descriptor: craftDescriptor(data, form) };
    const nothing = { crc: 0, compressedSize: 0, uncompressedSize: 0 };
    const archive = craftZip([
      { ...entry, name: 'a', local: nothing },
      { ...entry, name: 'b' },
    ]);
    const files = extract(archive, await readWhole(archive));
    expect([...files.values()]).toEqual([data, data]);
  });

  test('the central extra fields are kept, but for Zip64', async () => {
    const kept = craftExtra(0xcafe, Buffer.from('kept'));
    const zip64 = craftExtra(0x0001, Buffer.alloc(0));
    const archive = craftZip([
      { name: 'a', central: { extra: Buffer.concat([kept, zip64, kept]) } },
      { name: 'b', central: { extra: zip64 } },
    ]);
    const entries = await readWhole(archive);
    expect(entries.map(({ extra }) => extra)).toEqual([
      Buffer.concat([kept, kept]),
      Buffer.alloc(0),
    ]);
  });
});

describe('how much is read', () => {
  const image = Buffer.alloc(20_000, 'x');
  const many = (entry: (name: string, index: number) => object) =>
    craftZip(
      Array.from({ length: 3000 }, (_, index) => {
        const name = `${String(index).padStart(6, '0')}.jpg`;
        return { name, data: image, ...entry(name, index) };
      }),
    );

  async function countReads(archive: Buffer): Promise<number> {
    const reader = countingReader(archive);
    expect(await readZipIndex(reader, LIMITS)).toHaveLength(3000);
    return reader.reads.length;
  }

  test('3,000 entries of one layout: the tail and the first header', async () => {
    expect(await countReads(many(() => ({})))).toBe(2);
  });

  test('3,000 entries with extra fields: the tail and the first header', async () => {
    const extra = craftExtra(0x5455, Buffer.alloc(9));
    expect(await countReads(many(() => ({ local: { extra } })))).toBe(2);
  });

  test('3,000 entries with data descriptors: the tail and the first record', async () => {
    const descriptor = craftDescriptor(image, { signed: true, wide: false });
    expect(await countReads(many(() => ({ flags: FLAG_DATA_DESCRIPTOR, descriptor })))).toBe(2);
  });

  test('five layouts: neighbours share a read', async () => {
    const extras = [0, 1, 2, 3, 4].map((length) => craftExtra(0xcafe, Buffer.alloc(length)));
    const archive = many((_, index) => ({ local: { extra: extras[index % 5] as Buffer } }));
    expect(await countReads(archive)).toBe(2);
  });

  test('a central directory of over 1 MiB takes one read more', async () => {
    const archive = many((name) => ({ central: { comment: Buffer.alloc(500, name) } }));
    expect(await countReads(archive)).toBe(3);
  });

  test('an archive of up to 1 MiB is read at once', async () => {
    const reader = countingReader(craftZip([{ name: 'a.jpg', data: Buffer.alloc(1000) }]));
    await readZipIndex(reader, LIMITS);
    expect(reader.reads).toEqual([[0, reader.size]]);
  });

  test('more than 1,000 layouts are refused', async () => {
    const archive = craftZip(
      Array.from({ length: 1002 }, (_, index) => ({
        name: `${index}.jpg`,
        local: { extra: craftExtra(0xcafe, Buffer.alloc(index)) },
      })),
    );
    await expect(readZipIndex(bufferReader(archive), LIMITS)).rejects.toThrow(
      "The archive's 1002 entries have local headers of 1002 different layouts, the limit is 1000",
    );
  });

  test("a reader's own error comes through as it is", async () => {
    const failure = new Error('SlowDown');
    const reader = { size: 100, read: () => Promise.reject(failure) };
    await expect(readZipIndex(reader, LIMITS)).rejects.toBe(failure);
  });
});
