import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AnyPiece, pieceLength } from '../../src/archive/layout.ts';
import { cutParts, type Part } from '../../src/archive/part-plan.ts';
import { type ArchivedFile, layoutZip } from '../../src/archive/zip-layout.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

/** S3's limits. */
const MIN_PART = 5 * MIB;
const MAX_PART = 5 * GIB;
const MAX_PARTS = 10_000;

/** Larger parts are not put together in memory; only archives of more than 300 GB have them. */
const MAX_JOINED = 32 * MIB;

/** What the defaults are measured to be best at may change; these tests are about the cuts. */
const SIZES = { copyTarget: 64 * MIB, joinTarget: 8 * MIB };

/** Sizes in bytes, small enough to compare byte by byte; in S3's proportions or not. */
const sizes = fc.record({
  minPart: fc.integer({ min: 1, max: 20 }),
  joinTarget: fc.integer({ min: 1, max: 40 }),
  copyTarget: fc.integer({ min: 1, max: 100 }),
  maxParts: fc.integer({ min: 2, max: 200 }),
  rangeCopy: fc.boolean(),
});

/** Pieces of all kinds; the ranges are of three sources, and some are neighbours. */
const layouts = fc
  .array(
    fc.oneof(
      fc.record({ length: fc.integer({ min: 0, max: 30 }) }),
      fc.record({ bytes: fc.integer({ min: 0, max: 30 }).map((length) => Buffer.alloc(length)) }),
      fc.record({
        source: fc.constantFrom(undefined, 0, 1, 2),
        gap: fc.constantFrom(0, 0, 3),
        size: fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 500 })),
      }),
    ),
    { maxLength: 30 },
  )
  .map((kinds) => {
    let position = 0;
    return layoutOf(
      kinds.map((kind) => {
        if (!('gap' in kind)) return kind;
        const start = position + kind.gap;
        position = start + kind.size;
        return range(kind.source, start, position);
      }),
    );
  });

describe('cutParts, of several sources', () => {
  test('gives every byte of a layout exactly once, in order, in parts that S3 accepts', () => {
    fc.assert(
      fc.property(layouts, sizes, (layout, limits) => {
        const parts = cutParts(layout, limits);
        expect(parts.flatMap(bytesOf)).toEqual(layout.pieces.flatMap(bytesOfPiece));
        expect(parts.map(({ number }) => number)).toEqual(parts.map((_, index) => index + 1));
        for (const part of parts) expect(bytesOf(part)).toHaveLength(part.size);
        for (const { size } of parts.slice(0, -1)) {
          expect(size).toBeGreaterThanOrEqual(limits.minPart);
        }
        expect(parts.length).toBeLessThanOrEqual(limits.maxParts);
      }),
      { numRuns: 1_000 },
    );
  });

  test('copies neighbours of one source as one', () => {
    const pieces = [range(3, 0, 5 * MIB), range(3, 5 * MIB, 10 * MIB), { length: 10 }];
    expect(cutParts(layoutOf(pieces), SIZES)).toEqual([
      { kind: 'copy', number: 1, size: 10 * MIB, source: 3, start: 0 },
      { kind: 'join', number: 2, size: 10, pieces: [{ length: 10 }] },
    ]);
  });

  test('never copies over the border of a source, even where offsets meet', () => {
    const pieces = [range(0, 0, 5 * MIB), range(1, 5 * MIB, 10 * MIB)];
    expect(cutParts(layoutOf(pieces), SIZES)).toEqual([
      { kind: 'copy', number: 1, size: 5 * MIB, source: 0, start: 0 },
      { kind: 'copy', number: 2, size: 5 * MIB, source: 1, start: 5 * MIB },
    ]);
  });

  test('lets a header that is too short for a part borrow from its own file', () => {
    const pieces = [{ header: 0, length: 40 }, range(0, 0, 60 * MIB), { header: 1, length: 40 }];
    expect(cutParts(layoutOf(pieces), SIZES)).toMatchObject([
      { kind: 'join', size: MIN_PART, pieces: [{ header: 0 }, { source: 0, end: MIN_PART - 40 }] },
      { kind: 'copy', source: 0, start: MIN_PART - 40, size: 55 * MIB + 40 },
      { kind: 'join', pieces: [{ header: 1, length: 40 }] },
    ]);
  });

  test('joins small files of any number of sources', () => {
    const pieces = Array.from({ length: 30_000 }, (_, source) => range(source, 0, 1000));
    const parts = cutParts(layoutOf(pieces), SIZES);
    expect(parts.map(({ kind }) => kind)).toEqual(['join', 'join', 'join', 'join']);
    expect(parts.slice(0, 3).every(({ size }) => Math.abs(size - 8 * MIB) < 1000)).toBe(true);
  });
});

describe('the parts of an archive of stored files', () => {
  test.each([
    ['one small file', [10]],
    ['nothing but empty files', Array(100_000).fill(0)],
    ['100,000 files of 1 MB', Array(100_000).fill(1_000_000)],
    ['100 GB of mixed sizes', spread(2_000, 0, 100_000_000)],
    ['one file over 4 GiB', [3, 5 * GIB, 3]],
    ['one file of 5 TB', [5e12]],
    ['files of 5 MiB, more than there are parts', Array(20_000).fill(MIN_PART)],
    ['files of 5 MiB and one byte in turn', Array(10_000).fill([MIN_PART, 1]).flat()],
    ['5 TB in 100,000 files', spread(100_000, 0, 100_000_000)],
    ['files larger than 5 GiB', Array(100).fill(48e9)],
    ['files around the smallest part', spread(3_000, 5 * MIB - 1000, 5 * MIB + 1000)],
    ['files around what is joined', spread(3_000, 8 * MIB - 1000, 8 * MIB + 1000)],
  ])('are 10,000 at most, of 5 MiB to 5 GiB, and are joined within bounds: %s', (_, all) => {
    const layout = layoutZip(all.map(file));
    for (const rangeCopy of [true, false]) {
      const parts = cutParts(layout, { rangeCopy });
      expect(parts.reduce((sum, { size }) => sum + size, 0)).toBe(layout.size);
      expect(parts.length).toBeLessThanOrEqual(MAX_PARTS);
      const tooLarge = parts.filter(({ size }) => size > MAX_PART);
      const tooSmall = parts.slice(0, -1).filter(({ size }) => size < MIN_PART);
      expect([...tooLarge, ...tooSmall]).toEqual([]);
      if (layout.size > 300e9) continue;
      const joined = parts.filter(({ kind, size }) => kind === 'join' && size > MAX_JOINED);
      expect(joined).toEqual([]);
    }
  });

  test('grow with the archive, where 10,000 of the least would not do', () => {
    const least = (total: number) =>
      Math.min(
        ...cutParts(layoutZip([file(total)]))
          .slice(0, -1)
          .map(({ size }) => size),
      );
    expect(least(MAX_PARTS * MIN_PART)).toBeLessThan(2 * MIN_PART + 40 * MIB);
    expect(least(5e12)).toBeGreaterThan(450e6);
  });

  test('are copied, but for headers, what they borrow, and the directory', () => {
    const all = Array.from({ length: 50 }, () => file(100 * MIB));
    const joined = cutParts(layoutZip(all), SIZES).filter(({ kind }) => kind === 'join');
    expect(joined).toHaveLength(51);
    expect(joined.slice(0, -1).every(({ size }) => size === MIN_PART)).toBe(true);
  });
});

/** Sizes that lie between two, without chance. */
function spread(count: number, least: number, most: number): number[] {
  return Array.from({ length: count }, (_, n) => least + ((n * 7_919_993) % (most - least)));
}

function file(size: number, index = 0): ArchivedFile {
  return { name: `${index}.bin`, size, crc32: undefined, modTime: 0, modDate: 33 };
}

function range(source: number | undefined, start: number, end: number) {
  return source === undefined ? { start, end } : { source, start, end };
}

function layoutOf<P extends AnyPiece>(pieces: readonly P[]) {
  const size = pieces.reduce((sum, piece) => sum + pieceLength(piece), 0);
  return { size, pieces };
}

/** The bytes of a part, each by where it comes from. */
function bytesOf(part: Part<AnyPiece>): string[] {
  if (part.kind === 'join') return part.pieces.flatMap(bytesOfPiece);
  return bytesOfPiece(range(part.source, part.start, part.start + part.size));
}

function bytesOfPiece(piece: AnyPiece): string[] {
  const origin = 'start' in piece ? `source ${piece.source}` : 'bytes' in piece ? 'bytes' : 'later';
  const first = 'start' in piece ? piece.start : 0;
  return Array.from({ length: pieceLength(piece) }, (_, at) => `${origin} ${first + at}`);
}
