import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { ZipArchive } from 'archiver';
import { describe, expect, test } from 'vitest';
import { cutParts } from '../../src/archive/part-plan.ts';
import { bufferReader } from '../../src/archive/range-reader.ts';
import { readCentralDirectory } from '../../src/archive/zip-central.ts';
import { MAX_END_LENGTH, readEndRecords } from '../../src/archive/zip-end.ts';
import type { ZipEntry } from '../../src/archive/zip-entry.ts';
import { readZipIndex } from '../../src/archive/zip-index.ts';
import { layoutMerged } from '../../src/archive/zip-merge.ts';
import type { CentralDirectoryExtent } from '../../src/archive/zip-records.ts';
import { extract, LIMITS, pythonZip, readWhole } from '../support/zip-fixtures.ts';
import { judgeZip } from '../support/zip-judges.ts';

const GIB = 2 ** 30;

const FIRST = {
  'a/1.txt': Buffer.alloc(300_000, 'one of many lines\n'),
  'ä 中.png': Buffer.from('not much'),
  'leer.txt': Buffer.alloc(0),
};
const SECOND = { 'b.bin': Buffer.from(Array.from({ length: 5000 }, (_, n) => n * n)) };
const THIRD = { 'c/d/e.txt': Buffer.alloc(70_000, 'x'), 'c/f.txt': Buffer.from('f') };

const PYTHON = pythonZip(`
with ZipFile(target, 'w', ZIP_DEFLATED) as archive:
    archive.writestr('p.txt', 'python ' * 1000)
    archive.writestr('q ü.txt', b'')
`);
const PYTHON_STREAMED = pythonZip(
  `
with ZipFile(target, 'w', ZIP_STORED) as archive:
    archive.writestr('stored.txt', 'python ' * 1000)
    archive.writestr('deflated.txt', 'python ' * 1000, ZIP_DEFLATED)
`,
  { seekable: false },
);
const WITH_COMMENTS = pythonZip(`
with ZipFile(target, 'w', ZIP_DEFLATED) as archive:
    info = ZipInfo('commented.txt')
    info.comment = b'a comment'
    info.extra = struct.pack('<HHI', 0x6375, 4, 7)
    archive.writestr(info, 'data ' * 1000)
    archive.comment = b'that of the archive'
`);
const EMPTY = pythonZip(`
with ZipFile(target, 'w') as archive: pass
`);

describe('archives that are merged are one that all judges accept, with all their files', () => {
  test.each([
    ['one that archiver has streamed', async () => [await byArchiver(FIRST)]],
    [
      'three that archiver has streamed',
      async () => [await byArchiver(FIRST), await byArchiver(SECOND), await byArchiver(THIRD)],
    ],
    ["Python's, seekable and streamed", async () => [PYTHON, PYTHON_STREAMED]],
    ["archiver's behind Python's", async () => [PYTHON, await byArchiver(FIRST)]],
    ['one with comments before others', async () => [WITH_COMMENTS, PYTHON]],
    ['an empty one between others', async () => [PYTHON, EMPTY, PYTHON_STREAMED]],
    ['an empty one', async () => [EMPTY]],
    ['none', async () => []],
  ])('%s', async (_, make) => {
    const archives: readonly Buffer[] = await make();
    const merged = await merge(archives);
    const files: [string, Buffer][] = [];
    for (const archive of archives) {
      files.push(...extract(archive, await readZipIndex(bufferReader(archive), LIMITS)));
    }

    const names = files.map(([name]) => name);
    if (names.length > 0) expect(await judgeZip(merged)).toEqual(names);
    expect([...extract(merged, await readWhole(merged))]).toEqual(files);
  });
});

test('what an entry says of itself stays as it is: time, comment, extra fields', async () => {
  const [entry] = await readZipIndex(
    bufferReader(await merge([PYTHON, WITH_COMMENTS])),
    LIMITS,
  ).then((entries) => entries.filter(({ name }) => name === 'commented.txt'));
  const [before] = await readZipIndex(bufferReader(WITH_COMMENTS), LIMITS);
  const { recordStart: _, dataStart: __, recordEnd: ___, ...facts } = entry as ZipEntry;
  expect(before).toMatchObject(facts);
  expect(entry?.comment.toString()).toBe('a comment');
});

test("an archive's records are one range, however many they are", async () => {
  const archive = await byArchiver(FIRST);
  const entries = await readZipIndex(bufferReader(archive), LIMITS);
  expect(layoutMerged([entries, entries]).pieces).toEqual([
    { source: 0, start: 0, end: entries.at(-1)?.recordEnd },
    { source: 1, start: 0, end: entries.at(-1)?.recordEnd },
    { bytes: expect.any(Buffer) },
  ]);
});

test('records behind 4 GiB are found where they come to lie', async () => {
  const archives = [0, 1, 2].map((n) => [
    entryOf(`${n}/a.bin`, 0, 3 * GIB),
    entryOf(`${n}/b.bin`, 3 * GIB, 3 * GIB + 1000),
    entryOf(`${n}/c.bin`, 3 * GIB + 1000, 9 * GIB),
  ]);
  const { size, pieces } = layoutMerged(archives);
  const tail = pieces.at(-1) as { bytes: Buffer };
  // The reader looks for the longest comment, though there is none.
  const window = Buffer.concat([Buffer.alloc(MAX_END_LENGTH), tail.bytes]);
  const directory = readEndRecords(tail.bytes, size) as CentralDirectoryExtent;
  const found: unknown[] = [];
  for await (const entry of readCentralDirectory(window, size, directory)) {
    found.push([entry.name, entry.recordStart, entry.compressedSize]);
  }

  expect(directory).toMatchObject({ count: 9, offset: 27 * GIB });
  expect(found).toEqual(
    archives.flatMap((entries, n) =>
      entries.map((entry) => [entry.name, 9 * GIB * n + entry.recordStart, entry.compressedSize]),
    ),
  );
  expect(cutParts({ size, pieces }).filter(({ kind }) => kind === 'join')).toHaveLength(1);
});

/** Zips as the deflating activity does: deflated, to a stream. */
async function byArchiver(files: Readonly<Record<string, Buffer>>): Promise<Buffer> {
  const archive = new ZipArchive({ zlib: { level: 6 } });
  const body = new PassThrough();
  archive.pipe(body);
  for (const [name, content] of Object.entries(files)) {
    const source = Readable.from([content], { objectMode: false });
    archive.append(source, { name, date: new Date('2024-02-29T12:00:00Z'), mode: 0o644 });
  }
  const [bytes] = await Promise.all([buffer(body), archive.finalize()]);
  return bytes;
}

async function merge(archives: readonly Buffer[]): Promise<Buffer> {
  const entries = await Promise.all(
    archives.map((archive) => readZipIndex(bufferReader(archive), LIMITS)),
  );
  const { size, pieces } = layoutMerged(entries);
  const merged = Buffer.concat(
    pieces.map((piece) => {
      if ('bytes' in piece) return piece.bytes;
      const archive = archives[piece.source ?? -1] as Buffer;
      return archive.subarray(piece.start, piece.end);
    }),
  );
  expect(merged).toHaveLength(size);
  return merged;
}

function entryOf(name: string, recordStart: number, recordEnd: number): ZipEntry {
  const dataStart = recordStart + 30 + name.length;
  return {
    name,
    recordName: name,
    rawName: Buffer.from(name),
    versionMadeBy: 0x0314,
    versionNeeded: 20,
    flags: 8,
    method: 8,
    modTime: 0,
    modDate: 33,
    crc32: 0,
    compressedSize: recordEnd - dataStart - 16,
    uncompressedSize: recordEnd - dataStart,
    internalAttributes: 0,
    externalAttributes: 0,
    extra: Buffer.alloc(0),
    comment: Buffer.alloc(0),
    verified: false,
    recordStart,
    dataStart,
    recordEnd,
  };
}
