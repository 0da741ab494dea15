import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FileCrcs } from '../../src/archive/file-crcs.ts';
import type { SourceRange } from '../../src/archive/layout.ts';
import {
  encodeCrcs,
  isUnread,
  type PartCrcs,
  type ReadStretch,
  readStretches,
  unreadRanges,
} from '../../src/archive/part-crcs.ts';
import { cutParts, type PartOptions } from '../../src/archive/part-plan.ts';
import {
  type ArchivedFile,
  layoutZip,
  zipDirectory,
  zipHeader,
} from '../../src/archive/zip-layout.ts';
import {
  decodeShard,
  encodeShard,
  type PlannedPart,
  type PlannedPiece,
  type StoredShard,
} from '../../src/archive/zip-shard-file.ts';
import { rangesOf, type ShardLimits, shardParts, turnsOf } from '../../src/archive/zip-shards.ts';
import { judgeZip } from '../support/zip-judges.ts';

const MIB = 1024 * 1024;

/** A file, its content, and whether its CRC-32 is known without reading it. */
interface TestFile {
  readonly name: string;
  readonly content: Buffer;
  readonly known: boolean;
}

interface Sizes {
  readonly parts: PartOptions;
  readonly shards: ShardLimits;
}

/** In bytes, small enough that a few files make many parts and shards. */
const sizes: fc.Arbitrary<Sizes> = fc.record({
  parts: fc.record({
    minPart: fc.integer({ min: 1, max: 80 }),
    joinTarget: fc.integer({ min: 1, max: 160 }),
    copyTarget: fc.integer({ min: 1, max: 240 }),
    rangeCopy: fc.boolean(),
  }),
  shards: fc.record({
    parts: fc.integer({ min: 1, max: 6 }),
    ranges: fc.integer({ min: 1, max: 12 }),
  }),
});

const files: fc.Arbitrary<TestFile[]> = fc
  .array(
    fc.record({
      size: fc.oneof(
        fc.constant(0),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 800 }),
      ),
      folder: fc.constantFrom('', 'a/', 'Bücher/x/'),
      known: fc.boolean(),
    }),
    { minLength: 1, maxLength: 30 },
  )
  .map((all) =>
    all.map(({ size, folder, known }, index) => ({
      name: `${folder}${index}.bin`,
      content: Buffer.from(Array.from({ length: size }, (_, at) => at * 7 + (at >> 8) + index)),
      known,
    })),
  );

describe('an archive that is made of shards', () => {
  test('has the bytes of its layout, whatever is read, and when', () => {
    fc.assert(
      fc.property(files, sizes, (all, limits) => {
        expect(madeOfShards(all, limits).equals(laidOut(all))).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  test('is accepted by all judges', async () => {
    await fc.assert(
      fc.asyncProperty(files, sizes, async (all, limits) => {
        const names = all.map(({ name }) => name);
        expect(await judgeZip(madeOfShards(all, limits))).toEqual(names);
      }),
      // Judges are slow: what fails is not shrunk.
      { numRuns: 8, endOnFailure: true },
    );
  });
});

describe('shardParts', () => {
  test('gives every part to one shard, or keeps it for the end, in stretches within the limits', () => {
    fc.assert(
      fc.property(files, sizes, (all, limits) => {
        const { parts, shards, last } = planOf(all.map(archived), limits);
        const numbers = [...shards.flat(), ...last].map(({ number }) => number);
        expect(numbers.toSorted((a, b) => a - b)).toEqual(parts.map(({ number }) => number));
        for (const shard of shards) {
          expect(shard.length).toBeGreaterThan(0);
          expect(shard.length).toBeLessThanOrEqual(limits.shards.parts);
          const span = (shard.at(-1)?.number ?? 0) - (shard[0]?.number ?? 0);
          expect(span).toBeLessThan(limits.shards.parts);
          const ranges = shard.flatMap(rangesOf).length;
          if (shard.length > 1) expect(ranges).toBeLessThanOrEqual(limits.shards.ranges);
        }
      }),
    );
  });

  test('keeps nothing that S3 copies for the end', () => {
    fc.assert(
      fc.property(files, sizes, (all, limits) => {
        const { last } = planOf(all.map(archived), limits);
        expect(last.filter(({ kind }) => kind === 'copy')).toEqual([]);
      }),
    );
  });

  test('keeps only the directory for the end where all CRC-32s are known', () => {
    fc.assert(
      fc.property(files, sizes, (all, limits) => {
        const { parts, last } = planOf(all.map(known).map(archived), limits);
        expect(last).toEqual(parts.slice(-1));
      }),
    );
  });

  test('gives the parts of an archive of other archives to shards, all of them', () => {
    const parts: PlannedPart[] = [
      { kind: 'copy', number: 1, size: 10, source: 0, start: 0 },
      { kind: 'copy', number: 2, size: 10, source: 1, start: 0 },
      { kind: 'join', number: 3, size: 4, pieces: [{ bytes: Buffer.from('tail') }] },
    ];
    expect(shardParts(parts, () => true, { parts: 2, ranges: 10 })).toEqual({
      shards: [parts.slice(0, 2), parts.slice(2)],
      last: [],
    });
  });
});

describe('what waits in a shard', () => {
  test('waits only for what is copied, which waits for nothing', () => {
    fc.assert(
      fc.property(files, sizes, (all, limits) => {
        const { shards } = planOf(all.map(archived), limits);
        const isKnown = (file: number) => (all[file] as TestFile).known;
        for (const shard of shards) {
          const [, waiting = []] = turnsOf(shard, isKnown);
          for (const part of shard) {
            if (waiting.includes(part)) expect(part.kind).toBe('join');
            const wanted = unknownHeaders(part, isKnown);
            const elsewhere = shard.filter((other) => other !== part && holds(other, wanted));
            // What lies in other parts is copied, and the part waits for it; all else is its own.
            expect(elsewhere.filter(({ kind }) => kind !== 'copy')).toEqual([]);
            expect(waiting.includes(part)).toBe(elsewhere.length > 0);
          }
        }
      }),
    );
  });

  test('is nothing where all CRC-32s are known', () => {
    fc.assert(
      fc.property(files, sizes, (all, limits) => {
        const { shards } = planOf(all.map(known).map(archived), limits);
        for (const shard of shards) expect(turnsOf(shard, () => true)[1]).toEqual([]);
      }),
    );
  });
});

describe('in real sizes, every CRC-32 is known when it is written', () => {
  /** Sizes that vary, without chance. */
  const varied = (count: number, least: number, most: number) =>
    Array.from({ length: count }, (_, n) => least + ((n * 7_919_993) % (most - least)));

  test.each([
    ['photos of 3 to 9 MB', varied(500, 3e6, 9e6)],
    ['photos of 4 to 5 MB', varied(500, 4e6, 5e6)],
    ['20,000 files of 1 to 100 kB', varied(20_000, 1e3, 1e5)],
    ['20,000 files of 100 bytes', varied(20_000, 100, 101)],
    ['files of a shard and more', varied(10, 1e9, 3e9)],
    ['small and big ones in turn', varied(1_000, 0, 1).flatMap((n) => [n, 1000, 12 * MIB, 50])],
    ['all that a part joins, and more', varied(300, 8 * MIB - 100, 8 * MIB + 100)],
    ['all that a part is at least, and more', varied(300, 5 * MIB - 100, 5 * MIB + 100)],
    ['100 GB', varied(100, 9e8, 11e8)],
  ])('of %s', (_, all) => {
    const unread = all.map((size, index) => fileOf(`${index}.jpg`, size, undefined));
    const defaults = { parts: {}, shards: { parts: 24, ranges: 4000 } };
    const unknown = new Set<string>();
    buildAll(unread, defaults, {
      read: () => 0,
      make: (part, crcs) => {
        if (part.kind === 'copy') return;
        for (const piece of part.pieces) {
          if ('header' in piece && crcs.of(piece.header) === undefined) {
            unknown.add(`header ${piece.header} in part ${part.number}`);
          } else if ('directory' in piece) {
            for (const index of unread.keys()) {
              if (crcs.of(index) === undefined) unknown.add(`${index} in the directory`);
            }
          }
        }
      },
    });
    expect([...unknown]).toEqual([]);
  });
});

/** Plans an archive as the planning activity does. */
function planOf(all: readonly ArchivedFile[], limits: Sizes) {
  const parts: PlannedPart[] = cutParts<PlannedPiece>(layoutZip(all), limits.parts);
  const isKnown = (file: number) => all[file]?.crc32 !== undefined;
  return { parts, ...shardParts(parts, isKnown, limits.shards) };
}

interface Builder {
  /** The CRC-32 of a range that has to be read. */
  readonly read: (range: SourceRange) => number;
  /** Makes a part with the CRC-32s that are known by then. */
  readonly make: (part: PlannedPart, crcs: FileCrcs) => void;
}

/** Makes all parts as the building activities do: shards know nothing of each other, the last of all. */
function buildAll(all: readonly ArchivedFile[], limits: Sizes, builder: Builder): void {
  const { shards, last } = planOf(all, limits);
  const sources = new Map(
    all.map((file, index) => [index, { bucket: 'b', key: 'k', etag: 'e', size: file.size, file }]),
  );
  const read = shards.flatMap((parts) => buildShard({ parts, sources }, [], builder));
  buildShard({ parts: last, sources }, read, builder);
}

/**
 * Makes the parts of a shard in turns. What is made in one turn can't count on what the others in it read: each part knows what
 * was read before, and what it reads itself.
 */
function buildShard(
  planned: StoredShard,
  before: readonly ReadStretch[],
  { read, make }: Builder,
): readonly ReadStretch[] {
  const shard = decodeShard(encodeShard(planned));
  const recorded: PartCrcs = {};
  for (const turn of turnsOf(shard.parts, (file) => !isUnread(shard, file))) {
    const known = [...before, ...readStretches(shard, recorded)];
    for (const part of turn) {
      recorded[part.number] = encodeCrcs(unreadRanges(shard, part).map(read));
      const own = readStretches({ ...shard, parts: [part] }, recorded);
      const crcs = new FileCrcs((index) => shard.sources.get(index)?.file as ArchivedFile);
      for (const stretch of [...known, ...own]) crcs.note(...stretch);
      make(part, crcs);
    }
  }
  return [...readStretches(shard, recorded)];
}

/** The archive of files, from parts that are made one by one. */
function madeOfShards(all: readonly TestFile[], limits: Sizes): Buffer {
  const archive = all.map(archived);
  const bytesOf = ({ source = 0, start, end }: SourceRange) =>
    (all[source] as TestFile).content.subarray(start, end);
  const made: Buffer[] = [];
  const make = (part: PlannedPart, crcs: FileCrcs) => {
    const crcOf = (index: number) => {
      const crc = crcs.of(index);
      if (crc === undefined) throw new Error(`Part ${part.number} wants the CRC-32 of ${index}`);
      return crc;
    };
    const render = (piece: PlannedPiece): Buffer => {
      if ('start' in piece) return bytesOf(piece);
      if ('bytes' in piece) return piece.bytes;
      if ('directory' in piece) return zipDirectory(archive, crcOf);
      return zipHeader(archive[piece.header] as ArchivedFile, crcOf(piece.header));
    };
    const pieces = part.kind === 'copy' ? rangesOf(part) : part.pieces;
    const bytes = Buffer.concat(pieces.map(render));
    expect(bytes).toHaveLength(part.size);
    made[part.number - 1] = bytes;
  };
  buildAll(archive, limits, { read: (range) => crc32(bytesOf(range)), make });
  return Buffer.concat(made);
}

/** The archive of files, from one end to the other. */
function laidOut(all: readonly TestFile[]): Buffer {
  const archive = all.map(known).map(archived);
  const crcOf = (index: number) => archive[index]?.crc32 as number;
  return Buffer.concat([
    ...all.flatMap(({ content }, index) => [
      zipHeader(archive[index] as ArchivedFile, crcOf(index)),
      content,
    ]),
    zipDirectory(archive, crcOf),
  ]);
}

function known(file: TestFile): TestFile {
  return { ...file, known: true };
}

function archived({ name, content, known: isKnown }: TestFile): ArchivedFile {
  return fileOf(name, content.length, isKnown ? crc32(content) : undefined);
}

function fileOf(name: string, size: number, crc: number | undefined): ArchivedFile {
  return { name, size, crc32: crc, modTime: 0, modDate: 0x5a21 };
}

function unknownHeaders(part: PlannedPart, isKnown: (file: number) => boolean): Set<number> {
  if (part.kind === 'copy') return new Set();
  const headers = part.pieces.flatMap((piece) => ('header' in piece ? piece.header : []));
  return new Set(headers.filter((header) => !isKnown(header)));
}

function holds(part: PlannedPart, wanted: ReadonlySet<number>): boolean {
  return rangesOf(part).some(({ source = 0 }) => wanted.has(source));
}
