import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ArchiveError } from '../../src/archive/errors.ts';
import { FileCrcs } from '../../src/archive/file-crcs.ts';

/** A file's content, cut into the stretches that are read of it, in some order. */
const cutFiles = fc
  .tuple(
    fc.uint8Array({ minLength: 1, maxLength: 300 }).map((array) => Buffer.from(array)),
    fc.array(fc.nat(), { maxLength: 8 }),
  )
  .chain(([content, cuts]) => {
    const borders = [...new Set([0, content.length, ...cuts.map((cut) => cut % content.length)])];
    const sorted = borders.toSorted((a, b) => a - b);
    const stretches = sorted.slice(1).map((end, index) => ({ start: sorted[index] ?? 0, end }));
    const order = fc.shuffledSubarray(stretches, { minLength: stretches.length });
    return order.map((shuffled) => ({ content, stretches: shuffled }));
  });

type CutFile = typeof cutFiles extends fc.Arbitrary<infer Cut> ? Cut : never;

describe('the CRC-32 of a file', () => {
  test('is that of its stretches, in whatever order they are noted', () => {
    fc.assert(
      fc.property(cutFiles, (file) => {
        const crcs = crcsOf(file);
        for (const stretch of file.stretches) note(crcs, file, stretch);
        expect(crcs.of(0)).toBe(crc32(file.content));
      }),
    );
  });

  test('is unknown until the last stretch is noted', () => {
    fc.assert(
      fc.property(cutFiles, (file) => {
        const crcs = crcsOf(file);
        for (const stretch of file.stretches) {
          expect(crcs.of(0)).toBeUndefined();
          note(crcs, file, stretch);
        }
        expect(crcs.of(0)).toBeDefined();
      }),
    );
  });

  test('is the same where stretches are noted again', () => {
    fc.assert(
      fc.property(cutFiles, fc.nat(), (file, split) => {
        const crcs = crcsOf(file);
        const again = file.stretches.slice(0, split % (file.stretches.length + 1));
        for (const stretch of [...again, ...file.stretches, ...again]) note(crcs, file, stretch);
        expect(crcs.of(0)).toBe(crc32(file.content));
      }),
    );
  });

  test('is known without reading where its store has it', () => {
    const crcs = new FileCrcs(() => ({ name: 'a', size: 4, crc32: 1 }));
    expect(crcs.of(0)).toBe(1);
  });

  test('is 0 where it is empty', () => {
    const crcs = new FileCrcs(() => ({ name: 'a', size: 0, crc32: undefined }));
    expect(crcs.of(0)).toBe(crc32(''));
  });

  test('may be 0 where it is not', () => {
    const crcs = new FileCrcs(() => ({ name: 'a', size: 4, crc32: undefined }));
    crcs.note(0, 0, 4, 0);
    expect(crcs.of(0)).toBe(0);
  });

  test('is its own: files are told apart by their index', () => {
    const crcs = new FileCrcs((index) => ({ name: 'a', size: index, crc32: undefined }));
    crcs.note(4, 0, 2, 1);
    crcs.note(5, 0, 5, 7);
    expect([3, 4, 5].map((index) => crcs.of(index))).toEqual([undefined, undefined, 7]);
  });
});

describe('a file that is read whole', () => {
  test('and has the CRC-32 that its store says is good', () => {
    const crcs = new FileCrcs(() => ({ name: 'a', size: 4, crc32: crc32('data') }));
    expect(() => crcs.note(0, 0, 4, crc32('data'))).not.toThrow();
  });

  test('and has another one is named with both', () => {
    const crcs = new FileCrcs(() => ({ name: 'x/ä.png', size: 4, crc32: 0xab }));
    expect(() => crcs.note(0, 0, 4, 0x12345678)).toThrow(
      new ArchiveError('Entry "x/ä.png": CRC-32 is 12345678, S3 says 000000ab'),
    );
  });
});

function crcsOf({ content }: CutFile): FileCrcs {
  return new FileCrcs(() => ({ name: 'a', size: content.length, crc32: undefined }));
}

function note(crcs: FileCrcs, { content }: CutFile, { start, end }: CutFile['stretches'][number]) {
  crcs.note(0, start, end, crc32(content.subarray(start, end)));
}
