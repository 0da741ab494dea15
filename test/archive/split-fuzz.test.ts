import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ArchiveError } from '../../src/archive/errors.ts';
import { FLAG_DATA_DESCRIPTOR } from '../../src/archive/zip-entry.ts';
import {
  type ExportContent,
  type ExportRow,
  exportOf,
  filesOf,
  imageBytesOf,
  manifestOf,
} from '../support/export-fixtures.ts';
import { splitInMemory, unzip } from '../support/split-in-memory.ts';
import {
  type CraftedEntry,
  craftDescriptor,
  craftExtra,
  craftZip,
} from '../support/zip-crafting.ts';

const RUNS = 1500;

/** A good export: rows in any dialect, images named often, once or never, in any packing. */
const goodExport = fc
  .record({
    rows: fc.array(
      fc.record({
        image: fc.constantFrom('a.jpg', 'b.jpg', 'c.jpg', 'd.jpg', 'é 栎.jpg', 'f,"g".jpg'),
        note: fc.constantFrom('x', '"two\nlines"', '"a ""b"""', '"Coll. \\"Smith\\" FL"', '"\\"'),
        lineBreak: fc.constantFrom('\n', '\r\n'),
      }),
      { minLength: 1, maxLength: 8 },
    ),
    imageBytes: fc.nat({ max: 300 }),
    unnamed: fc.nat({ max: 2 }),
    folder: fc.constantFrom('', './', 'x/', 'x/y/'),
    copies: fc.integer({ min: 1, max: 2 }),
    packing: fc.array(
      fc.record({ deflate: fc.boolean(), descriptor: fc.nat({ max: 4 }), extra: fc.boolean() }),
      { minLength: 1, maxLength: 3 },
    ),
    order: fc.infiniteStream(fc.nat()),
  })
  .map(({ rows, imageBytes, unnamed, folder, copies, packing, order }) => {
    const content = exportOf(rows.map(rowOf), {
      header: 'subjectId,imageName,note\n',
      imageBytes,
    });
    const files = [...filesOf(content, { folder })];
    for (let n = 1; n <= unnamed; n++)
      files.push([`${folder}not-${n}.jpg`, imageBytesOf(`${n}`, 99)]);
    if (copies > 1) files.unshift([`./${folder}manifest.csv`, manifestOf(content)]);
    const keys = files.map(() => order.next().value ?? 0);
    const entries = files
      .map((file, index) => ({ file, key: keys[index] ?? 0 }))
      .sort((one, other) => one.key - other.key)
      .map(({ file: [name, data] }, index) => {
        const { deflate, descriptor, extra } = packing[index % packing.length] ?? NO_PACKING;
        return pack(name, data, deflate, descriptor, extra);
      });
    return { content, entries };
  });

const NO_PACKING = { deflate: false, descriptor: 0, extra: false };

function rowOf(
  { image, note, lineBreak }: { image: string; note: string; lineBreak: string },
  index: number,
): ExportRow {
  const cell = /[," ]/.test(image) ? `"${image.replaceAll('"', '""')}"` : image;
  return { line: `${index},${cell},${note}${lineBreak}`, image };
}

/** `descriptor` 0 is none, 1 to 4 its forms. */
function pack(
  name: string,
  data: Buffer,
  deflate: boolean,
  descriptor: number,
  extra: boolean,
): CraftedEntry {
  const size = deflate ? deflateRawSync(data).length : data.length;
  return {
    name,
    data,
    method: deflate ? 8 : 0,
    ...(descriptor > 0 && {
      flags: FLAG_DATA_DESCRIPTOR,
      descriptor: craftDescriptor(
        data,
        { signed: descriptor % 2 === 0, wide: descriptor > 2 },
        size,
      ),
    }),
    local: extra ? { extra: craftExtra(0x5455, Buffer.alloc(9)) } : {},
  };
}

/** What one entry says of itself in place of the truth, taken from another entry or made up. */
type Lie = (entry: CraftedEntry, other: CraftedEntry) => CraftedEntry;

const header = fc.constantFrom('local', 'central') as fc.Arbitrary<'local' | 'central'>;
const number = fc.constantFrom(0, 1, 8, 30, 100, 0xffff, 0xffffffff);
const lie: fc.Arbitrary<Lie> = fc.oneof(
  header.map((where) => (entry: CraftedEntry, other: CraftedEntry) => ({
    ...entry,
    [where]: { ...entry[where], name: other.name },
  })),
  fc
    .tuple(header, fc.constantFrom('crc', 'compressedSize', 'uncompressedSize', 'offset'), number)
    .map(([where, field, value]) => (entry: CraftedEntry) => ({
      ...entry,
      [where]: { ...entry[where], [field]: value },
    })),
  fc
    .tuple(header, fc.constantFrom('flags', 'method'), fc.constantFrom(0, 1, 8, 0x800))
    .map(([where, field, value]) => (entry: CraftedEntry) => ({
      ...entry,
      [where]: { ...entry[where], [field]: value },
    })),
  fc.constantFrom<Lie>(
    (entry, other) => ({ ...entry, payload: other.data ?? Buffer.alloc(0) }),
    (entry) => ({ ...entry, gap: Buffer.from('smuggled') }),
    (entry) => ({ ...entry, descriptor: Buffer.alloc(12) }),
    (entry) => ({ ...entry, local: { ...entry.local, extra: Buffer.from('smuggled') } }),
  ),
);

/** Changes bytes of an archive without knowing what they are. */
type Damage = (archive: Buffer) => Buffer;

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const at = (archive: Buffer, share: number) => Math.floor(share * archive.length);
const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.tuple(place, fc.integer({ min: 1, max: 255 })).map(([where, bits]) => (archive: Buffer) => {
    const changed = Buffer.from(archive);
    const position = at(archive, where);
    changed[position] = (changed[position] ?? 0) ^ bits;
    return changed;
  }),
  fc
    .tuple(place, place, fc.nat({ max: 80 }), fc.nat({ max: 80 }))
    .map(([from, to, taken, dropped]) => (archive: Buffer) => {
      const [source, target] = [at(archive, from), at(archive, to)];
      return Buffer.concat([
        archive.subarray(0, target),
        archive.subarray(source, source + taken),
        archive.subarray(target + dropped),
      ]);
    }),
  place.map((where) => (archive: Buffer) => archive.subarray(0, at(archive, where))),
);

const split = fc.record({
  batchSize: fc.integer({ min: 1, max: 4 }),
  sizes: fc.record({
    minPart: fc.integer({ min: 1, max: 200 }),
    copyTarget: fc.integer({ min: 100, max: 400 }),
    joinTarget: fc.integer({ min: 100, max: 400 }),
  }),
});

test('every good export gives batch zips with its rows and images', async () => {
  await fc.assert(
    fc.asyncProperty(goodExport, split, async ({ content, entries }, options) => {
      const zips = await splitInMemory(craftZip(entries), options);
      expect(zips.map(unzip)).toEqual(expectedFiles(content, options.batchSize));
    }),
    { numRuns: RUNS },
  );
});

test('a changed export gives the right batch zips or an ArchiveError, and nothing else', async () => {
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(
      goodExport,
      fc.array(fc.tuple(lie, fc.nat(), fc.nat()), { maxLength: 2 }),
      fc.array(damage, { maxLength: 2 }),
      split,
      async ({ content, entries }, lies, damages, options) => {
        const told = [...entries];
        for (const [tell, one, other] of lies) {
          const index = one % told.length;
          const [entry, another] = [told[index], told[other % told.length]];
          if (entry && another) told[index] = tell(entry, another);
        }
        const archive = damages.reduce((bytes, change) => change(bytes), craftZip(told));
        try {
          const zips = await splitInMemory(archive, options);
          expect(zips.map(unzip)).toEqual(expectedFiles(content, options.batchSize));
        } catch (error) {
          if (!(error instanceof ArchiveError)) throw error;
          refused += 1;
        }
      },
    ),
    { numRuns: RUNS },
  );
  // Were hardly any refused, this test would test nothing.
  expect(refused).toBeGreaterThan(RUNS / 3);
});

/** The files of each batch zip, by the contract, from what is known of the export. */
function expectedFiles(content: ExportContent, batchSize: number): Map<string, Buffer>[] {
  const count = Math.ceil(content.rows.length / batchSize);
  return Array.from({ length: count }, (_, index) => {
    const rows = content.rows.slice(index * batchSize, (index + 1) * batchSize);
    const images = rows.map(({ image }) => [image, content.images.get(image)] as const);
    return new Map([
      ...(images as [string, Buffer][]),
      ['manifest.csv', manifestOf({ ...content, rows })],
    ]);
  });
}
