import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimatedInflatedSize } from '../../src/archive/gzip-size.ts';

const GIB = 1024 ** 3;

describe('the size that a gzip file is estimated to give', () => {
  it.each([
    ['nothing', Buffer.alloc(0)],
    ['what compresses well', Buffer.alloc(5_000_000)],
    ['what does not compress', randomBytes(5_000_000)],
    ['little', Buffer.from('x')],
  ])('is exact for one member of %s', (_, bytes) => {
    for (const level of [0, 1, 9]) {
      const file = gzipSync(bytes, { level });
      expect(estimatedInflatedSize(file.length, file.readUInt32LE(file.length - 4))).toBe(
        bytes.length,
      );
    }
  });

  it('is exact over 4 GiB too, where compressing saved less than that', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 128 * GIB }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (size, gain) => {
          // The rest of 4 GiB is what deflate may have added to so many bytes.
          const saved = Math.floor(Math.min(size, 3.8 * GIB) * gain);
          expect(estimatedInflatedSize(size - saved, size % 2 ** 32)).toBe(size);
        },
      ),
    );
  });

  it('is the smallest that fits otherwise: for several members, and for what compresses well', () => {
    expect(estimatedInflatedSize(10 * GIB, 512)).toBe(12 * GIB + 512);
    expect(estimatedInflatedSize(GIB, 0)).toBe(4 * GIB);
    expect(estimatedInflatedSize(1000, 10_240)).toBe(10_240);
  });
});
