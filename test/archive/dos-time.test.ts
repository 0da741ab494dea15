import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dosTime } from '../../src/archive/dos-time.ts';

/** What the words say, by APPNOTE.TXT 4.4.6 alone. */
function written({ modTime, modDate }: { modTime: number; modDate: number }): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return (
    `${1980 + (modDate >> 9)}-${two((modDate >> 5) & 15)}-${two(modDate & 31)} ` +
    `${two(modTime >> 11)}:${two((modTime >> 5) & 63)}:${two((modTime & 31) * 2)}`
  );
}

describe('an MS-DOS time', () => {
  test.each([
    ['2023-11-14T22:13:20Z', '2023-11-14 22:13:20'],
    ['2024-02-29T23:59:59Z', '2024-02-29 23:59:58'],
    ['1980-01-01T00:00:00Z', '1980-01-01 00:00:00'],
    ['1979-12-31T23:59:59Z', '1980-01-01 00:00:00'],
    ['1969-01-01T00:00:00Z', '1980-01-01 00:00:00'],
    ['2107-12-31T23:59:59Z', '2107-12-31 23:59:58'],
    ['2108-01-01T00:00:00Z', '2107-12-31 23:59:58'],
  ])('of %s is %s', (time, expected) => {
    expect(written(dosTime(Date.parse(time) / 1000))).toBe(expected);
  });

  test.each([Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER])('of %i is the nearest', (time) => {
    expect(written(dosTime(time))).toBe(time < 0 ? '1980-01-01 00:00:00' : '2107-12-31 23:59:58');
  });

  test('is UTC, to the even second, between its bounds', () => {
    const seconds = fc.integer({ min: Date.UTC(1980) / 1000, max: Date.UTC(2108) / 1000 - 1 });
    fc.assert(
      fc.property(seconds, (time) => {
        const even = new Date((time - (time % 2)) * 1000).toISOString();
        expect(written(dosTime(time))).toBe(even.slice(0, 19).replace('T', ' '));
      }),
    );
  });
});
