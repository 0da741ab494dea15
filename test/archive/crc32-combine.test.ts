import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { combineCrc32 } from '../../src/archive/crc32-combine.ts';

const MIB = 2 ** 20;

/** `crc32` of 4 GiB and one byte of zeros, as zlib has it. */
const CRC_OF_ZEROS = 0x41d912ff;

const bytes = fc.uint8Array({ maxLength: 5_000 }).map((array) => Buffer.from(array));
const crcs = fc.integer({ min: 0, max: 0xffffffff });
const lengths = fc.integer({ min: 0, max: 2 ** 45 });

describe('the CRC-32 of stretches, one after the other, is that of all their bytes', () => {
  test('of two', () => {
    fc.assert(
      fc.property(bytes, bytes, (first, second) => {
        expect(combineCrc32(crc32(first), crc32(second), second.length)).toBe(
          crc32(Buffer.concat([first, second])),
        );
      }),
    );
  });

  test('of many, some of them empty', () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 40 }), (pieces) => {
        const combined = pieces.reduce(
          (crc, piece) => combineCrc32(crc, crc32(piece), piece.length),
          crc32(''),
        );
        expect(combined).toBe(crc32(Buffer.concat(pieces)));
      }),
    );
  });

  test('of a megabyte, cut anywhere', () => {
    const whole = Buffer.alloc(MIB, 'a texture that does not repeat at any power of two');
    for (const cut of [0, 1, 7, 4095, 4096, MIB / 2, MIB - 1, MIB]) {
      const [first, second] = [whole.subarray(0, cut), whole.subarray(cut)];
      expect(combineCrc32(crc32(first), crc32(second), second.length)).toBe(crc32(whole));
    }
  });

  test('of more than 4 GiB', () => {
    let crc = crc32(Buffer.alloc(MIB));
    for (let length = MIB; length < 4096 * MIB; length *= 2) crc = combineCrc32(crc, crc, length);

    const oneMore = Buffer.alloc(1);
    expect(combineCrc32(crc, crc32(oneMore), 1)).toBe(CRC_OF_ZEROS);
    expect(combineCrc32(crc32(oneMore), crc, 4096 * MIB)).toBe(CRC_OF_ZEROS);
  });

  test('however terabytes are grouped', () => {
    fc.assert(
      fc.property(crcs, crcs, crcs, lengths, lengths, (a, b, c, ofB, ofC) => {
        expect(combineCrc32(combineCrc32(a, b, ofB), c, ofC)).toBe(
          combineCrc32(a, combineCrc32(b, c, ofC), ofB + ofC),
        );
      }),
    );
  });
});

test('an empty stretch changes nothing, before or behind', () => {
  fc.assert(
    fc.property(crcs, lengths, (crc, length) => {
      expect(combineCrc32(crc, crc32(''), 0)).toBe(crc);
      expect(combineCrc32(crc32(''), crc, length)).toBe(crc);
    }),
  );
});
