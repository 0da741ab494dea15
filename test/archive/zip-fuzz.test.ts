import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ArchiveError } from '../../src/archive/errors.ts';
import { FLAG_DATA_DESCRIPTOR } from '../../src/archive/zip-entry.ts';
import {
  craftDescriptor,
  craftExtra,
  craftZip,
  craftZip64End,
  craftZip64Extra,
} from '../support/zip-crafting.ts';
import { extract, HAS_INFO_ZIP, infoZip, pythonZip, readWhole } from '../support/zip-fixtures.ts';

const RUNS = 5000;

const PICTURE = Buffer.from(Array.from({ length: 300 }, (_, index) => (index * 167) & 255));

/** Good archives of each make, small enough that a change meets something that matters. */
const ARCHIVES: readonly Buffer[] = [
  craftZip(
    [
      { name: 'manifest.csv', data: Buffer.from('subjectId,imageName\n1,a.jpg\n') },
      { name: './a.jpg', data: PICTURE, local: { extra: craftExtra(0x5455, Buffer.alloc(9)) } },
      { name: 'folder/' },
      { name: 'folder/b.jpg', data: Buffer.concat([PICTURE, PICTURE]), method: 8 },
      {
        name: 'c.jpg',
        data: PICTURE,
        flags: FLAG_DATA_DESCRIPTOR,
        local: { crc: 0, compressedSize: 0, uncompressedSize: 0 },
        descriptor: craftDescriptor(PICTURE, { signed: true, wide: false }),
      },
      {
        name: 'd.jpg',
        data: PICTURE,
        method: 8,
        flags: FLAG_DATA_DESCRIPTOR,
        descriptor: craftDescriptor(
          PICTURE,
          { signed: false, wide: true },
          deflateRawSync(PICTURE).length,
        ),
      },
    ],
    { end: { comment: Buffer.from('an export of pictures') } },
  ),
  craftZip(
    [
      {
        name: 'a.jpg',
        data: PICTURE,
        local: {
          compressedSize: 0xffffffff,
          uncompressedSize: 0xffffffff,
          extra: craftZip64Extra(PICTURE.length, PICTURE.length),
        },
        central: {
          compressedSize: 0xffffffff,
          uncompressedSize: 0xffffffff,
          offset: 0xffffffff,
          extra: craftZip64Extra(PICTURE.length, PICTURE.length, 0),
        },
      },
      { name: 'b.jpg', data: PICTURE },
    ],
    {
      beforeEnd: craftZip64End,
      end: { count: 0xffff, countOnDisk: 0xffff, length: 0xffffffff, offset: 0xffffffff },
    },
  ),
  pythonZip(
    `
with ZipFile(target, 'w', ZIP_DEFLATED) as archive:
    for name in 'a', 'b', 'ü': archive.writestr(name, name * 500)
`,
    { seekable: false },
  ),
  ...(HAS_INFO_ZIP
    ? [infoZip({ 'a.jpg': PICTURE, 'x/b.jpg': PICTURE }, ['-0', '-r', '-', '.'])]
    : []),
];

type Mutation = (archive: Buffer) => Buffer;

/** A place in an archive: anywhere, or near its end, where a byte decides more. */
const place = fc.oneof(
  fc.double({ min: 0, max: 1, noNaN: true }).map((share) => ({ share, fromEnd: false })),
  fc.double({ min: 0, max: 1, noNaN: true }).map((share) => ({ share, fromEnd: true })),
);
const END_BYTES = 400;

function positionIn(archive: Buffer, { share, fromEnd }: { share: number; fromEnd: boolean }) {
  const start = fromEnd ? Math.max(0, archive.length - END_BYTES) : 0;
  return start + Math.floor(share * (archive.length - start));
}

function overwrite(archive: Buffer, position: number, bytes: Buffer): Buffer {
  const changed = Buffer.from(archive);
  bytes.copy(changed, position);
  return changed;
}

function splice(archive: Buffer, position: number, removed: number, added: Buffer): Buffer {
  return Buffer.concat([
    archive.subarray(0, position),
    added,
    archive.subarray(position + removed),
  ]);
}

const shortBytes = fc
  .uint8Array({ minLength: 1, maxLength: 40 })
  .map((bytes) => Buffer.from(bytes));
const signature = fc.constantFrom(
  '\x03\x04',
  '\x01\x02',
  '\x05\x06',
  '\x06\x06',
  '\x06\x07',
  '\x07\x08',
);
const length = fc.integer({ min: 1, max: 120 });

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(place, fc.integer({ min: 1, max: 255 }))
      .map(([at, bits]) => (archive: Buffer) => {
        const position = positionIn(archive, at);
        return overwrite(archive, position, Buffer.from([(archive[position] ?? 0) ^ bits]));
      }),
  },
  // A field with a value that means something.
  fc
    .tuple(place, fc.constantFrom(0, 1, 0xff, 0xffff, 0xffffffff, 0x80000000), fc.boolean())
    .map(([at, value, wide]) => (archive: Buffer) => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(value);
      return overwrite(archive, positionIn(archive, at), bytes.subarray(0, wide ? 4 : 2));
    }),
  fc.tuple(place, signature).map(
    ([at, kind]) =>
      (archive: Buffer) =>
        overwrite(archive, positionIn(archive, at), Buffer.from(`PK${kind}`, 'latin1')),
  ),
  // Bytes inserted, removed, moved, doubled.
  fc.tuple(place, shortBytes).map(
    ([at, added]) =>
      (archive: Buffer) =>
        splice(archive, positionIn(archive, at), 0, added),
  ),
  fc.tuple(place, length).map(
    ([at, count]) =>
      (archive: Buffer) =>
        splice(archive, positionIn(archive, at), count, Buffer.alloc(0)),
  ),
  fc
    .tuple(place, place, length, fc.boolean())
    .map(([from, to, count, insert]) => (archive: Buffer) => {
      const start = positionIn(archive, from);
      const span = archive.subarray(start, start + count);
      const target = positionIn(archive, to);
      return insert ? splice(archive, target, 0, span) : overwrite(archive, target, span);
    }),
  place.map((at) => (archive: Buffer) => archive.subarray(0, positionIn(archive, at))),
  place.map((at) => (archive: Buffer) => archive.subarray(positionIn(archive, at))),
  fc.constant((archive: Buffer) => Buffer.concat([archive, archive])),
);

test('a changed archive gives the right files or an ArchiveError, and nothing else', async () => {
  const originals = await Promise.all(
    ARCHIVES.map(async (archive) => ({
      archive,
      files: extract(archive, await readWhole(archive)),
    })),
  );
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...originals),
      fc.array(mutation, { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1, max: 200 }),
      async ({ archive, files }, mutations, chunkBytes) => {
        const changed = mutations.reduce((bytes, mutate) => mutate(bytes), archive);
        try {
          const entries = await readWhole(changed, { chunkBytes });
          expect(extract(changed, entries)).toEqual(files);
        } catch (error) {
          if (!(error instanceof ArchiveError)) throw error;
          refused += 1;
        }
      },
    ),
    { numRuns: RUNS },
  );
  // Most changes matter; were hardly any refused, this test would test nothing.
  expect(refused).toBeGreaterThan(RUNS / 2);
});
