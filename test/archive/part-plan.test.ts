import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isLiteral, type ObjectLayout, type Piece, pieceLength } from '../../src/archive/layout.ts';
import { type Part, type PartPlan, planParts } from '../../src/archive/part-plan.ts';
import type { ZipEntry } from '../../src/archive/zip-entry.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

/** What the defaults are measured to be best at may change; these tests are about the cuts. */
const SIZES = { copyTarget: 64 * MIB, joinTarget: 8 * MIB };

/** S3's limits. */
const MIN_PART = 5 * MIB;
const MAX_PART = 5 * GIB;
const MAX_PARTS = 10_000;

describe('planParts', () => {
  test('gives every byte of a layout exactly once, in order, in parts that S3 accepts', () => {
    fc.assert(
      fc.property(layouts, sizes, (layout, limits) => {
        const { parts } = planParts(layout, limits);
        expect(parts.flatMap(bytesOf)).toEqual(layout.pieces.flatMap(bytesOfPiece));
        expect(parts.map(({ number }) => number)).toEqual(parts.map((_, index) => index + 1));
        for (const part of parts) expect(bytesOf(part)).toHaveLength(part.size);
        for (const { size } of parts.slice(0, -1)) {
          expect(size).toBeGreaterThanOrEqual(limits.minPart);
        }
        expect(parts.length).toBeLessThanOrEqual(limits.maxParts);
      }),
      { numRuns: 2_000 },
    );
  });

  test('has every entry verified exactly once: with the joined part that holds it, or in a span', () => {
    fc.assert(
      fc.property(layouts, sizes, (layout, limits) => {
        const { parts, spans } = planParts(layout, limits);
        const held = parts.flatMap((part) =>
          part.kind === 'copy'
            ? []
            : part.pieces.flatMap((piece) => (isLiteral(piece) ? [] : (piece.entry ?? []))),
        );
        const spanned = spans.flatMap(({ first, last }) =>
          Array.from({ length: last - first + 1 }, (_, index) => first + index),
        );
        expect([...held, ...spanned].toSorted((a, b) => a - b)).toEqual(
          layout.entries.map((_, index) => index),
        );
        for (const { first, last } of spans) {
          for (let index = first; index < last; index++) {
            expect(layout.entries[index]?.recordEnd).toBe(layout.entries[index + 1]?.recordStart);
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('copies a long run in even parts, none of them short', () => {
    const { parts } = planParts(layoutOf([range(100, 100 + 200 * MIB), literal(1000)]), SIZES);

    expect(parts.map(({ kind }) => kind)).toEqual(['copy', 'copy', 'copy', 'copy', 'join']);
    expect(parts.slice(0, 4).map(({ size }) => size)).toEqual(Array(4).fill(50 * MIB));
  });

  test('joins neighbours that are many small entries into one copy', () => {
    const entries = Array.from({ length: 100 }, (_, n) => range(n * MIB, (n + 1) * MIB));
    const { parts } = planParts(layoutOf([...entries, literal(10)]), SIZES);

    expect(parts.map(({ kind, size }) => [kind, size])).toEqual([
      ['copy', 50 * MIB],
      ['copy', 50 * MIB],
      ['join', 10],
    ]);
  });

  test('lets a literal that is too short for a part borrow from the run behind it', () => {
    const { parts } = planParts(layoutOf([literal(100), range(0, 60 * MIB), literal(7)]), SIZES);

    expect(parts).toMatchObject([
      { kind: 'join', size: MIN_PART },
      { kind: 'copy', start: MIN_PART - 100, size: 55 * MIB + 100 },
      { kind: 'join', size: 7 },
    ]);
  });

  test('makes a small object a single part', () => {
    const { parts, spans } = planParts(layoutOf([range(0, 5000), literal(100)]));

    expect(parts).toMatchObject([{ kind: 'join', size: 5100 }]);
    expect(spans).toEqual([]);
  });

  test.each([
    ['100 GB in one run', [range(0, 100e9), literal(1e6)]],
    ['5 TB, the most that S3 takes', [range(0, 5e12), literal(1e6)]],
    ['100 GB of entries without neighbours', scattered(250_000, 400_000)],
    ['entries over 4 GiB, renamed', [literal(50), range(80, 5e9), literal(50), range(6e9, 11e9)]],
  ])('keeps to 10,000 parts of 5 MiB to 5 GiB: %s', (_, pieces) => {
    const layout = layoutOf(pieces);
    const { parts } = planParts(layout);

    expectAcceptable(parts);
    expect(parts.reduce((sum, { size }) => sum + size, 0)).toBe(layout.size);
  });

  describe('where S3 does not copy', () => {
    const joining = { ...SIZES, rangeCopy: false };

    test('joins neighbours, so that nothing is read only to be verified', () => {
      const entries = Array.from({ length: 100 }, (_, n) => range(n * MIB, (n + 1) * MIB));
      const layout = layoutOf([...entries, literal(10)]);

      const { parts, spans } = planParts(layout, joining);

      expect(spans).toEqual([]);
      expect(parts.map(({ kind, size }) => [kind, size])).toEqual([
        ...Array(12).fill(['join', 8 * MIB]),
        ['join', 4 * MIB + 10],
      ]);
      expect(planParts(layout, SIZES).spans).not.toEqual([]);
    });

    test('keeps a long entry a range of its own, which is read in stretches', () => {
      const { parts } = planParts(layoutOf([range(0, MIB), range(MIB, 61 * MIB)]), joining);

      expect(parts).toMatchObject([
        { kind: 'join', size: MIN_PART },
        { kind: 'copy', start: MIN_PART, size: 56 * MIB },
      ]);
    });
  });

  test('cuts what is read to verify into stretches, each of several entries', () => {
    const entries = Array.from({ length: 1000 }, (_, n) => range(n * MIB, (n + 1) * MIB));
    const { spans } = planParts(layoutOf(entries));

    expect(spans.length).toBeGreaterThan(10);
    expect(spans.length).toBeLessThan(100);
  });
});

function expectAcceptable(parts: PartPlan['parts']): void {
  expect(parts.length).toBeLessThanOrEqual(MAX_PARTS);
  for (const { size } of parts) expect(size).toBeLessThanOrEqual(MAX_PART);
  for (const { size } of parts.slice(0, -1)) expect(size).toBeGreaterThanOrEqual(MIN_PART);
}

/** Sizes in bytes, small enough to compare byte by byte; in S3's proportions or not. */
const sizes = fc.record({
  minPart: fc.integer({ min: 1, max: 20 }),
  joinTarget: fc.integer({ min: 1, max: 40 }),
  copyTarget: fc.integer({ min: 1, max: 100 }),
  maxParts: fc.integer({ min: 2, max: 200 }),
  rangeCopy: fc.boolean(),
});

/** Layouts of literals and of entries, some of which lie side by side in the source. */
const layouts = fc
  .array(
    fc.oneof(
      fc.record({ literal: fc.integer({ min: 0, max: 30 }) }),
      fc.record({ gap: fc.constantFrom(0, 0, 0, 3), length: fc.integer({ min: 1, max: 60 }) }),
      fc.record({ gap: fc.constant(0), length: fc.integer({ min: 1, max: 500 }) }),
    ),
    { maxLength: 30 },
  )
  .map((kinds) => {
    let position = 0;
    return layoutOf(
      kinds.map((kind) => {
        if ('literal' in kind) return literal(kind.literal);
        const start = position + kind.gap;
        position = start + kind.length;
        return range(start, position);
      }),
    );
  });

function literal(length: number): Piece {
  return { bytes: Buffer.alloc(length, 1) };
}

function range(start: number, end: number): Piece {
  return { start, end };
}

function scattered(count: number, length: number): Piece[] {
  return Array.from({ length: count }, (_, n) => range(n * 2 * length, n * 2 * length + length));
}

/** Each range is an entry of its own. */
function layoutOf(pieces: readonly Piece[]): ObjectLayout {
  const entries: ZipEntry[] = [];
  const numbered = pieces.map((piece) => {
    if (isLiteral(piece)) return piece;
    const { start, end } = piece;
    entries.push({ recordStart: start, dataStart: start, recordEnd: end } as ZipEntry);
    return { start, end, entry: entries.length - 1 };
  });
  return {
    size: pieces.reduce((sum, piece) => sum + pieceLength(piece), 0),
    pieces: numbered,
    entries,
  };
}

/** The bytes of a part, each by where it comes from. */
function bytesOf(part: Part): string[] {
  if (part.kind === 'join') return part.pieces.flatMap(bytesOfPiece);
  return bytesOfPiece({ start: part.start, end: part.start + part.size });
}

function bytesOfPiece(piece: Piece): string[] {
  return Array.from({ length: pieceLength(piece) }, (_, index) =>
    isLiteral(piece) ? 'literal' : `source ${piece.start + index}`,
  );
}
