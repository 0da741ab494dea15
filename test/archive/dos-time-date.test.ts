import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dosTime, dosTimeToDate } from '../../src/archive/dos-time.ts';

const FIRST = Date.UTC(1980) / 1000;
const LAST = Date.UTC(2108) / 1000 - 1;

test('MS-DOS words of a time say that time, to the even second', () => {
  fc.assert(
    fc.property(fc.integer({ min: FIRST, max: LAST }), (time) => {
      expect(dosTimeToDate(dosTime(time)).getTime()).toBe((time - (time % 2)) * 1000);
    }),
  );
});

test('the time that MS-DOS words say has these words', () => {
  const days = fc.record({
    year: fc.integer({ min: 0, max: 127 }),
    month: fc.integer({ min: 1, max: 12 }),
    day: fc.integer({ min: 1, max: 28 }),
  });
  const times = fc.record({
    hour: fc.integer({ min: 0, max: 23 }),
    minute: fc.integer({ min: 0, max: 59 }),
    half: fc.integer({ min: 0, max: 29 }),
  });
  fc.assert(
    fc.property(days, times, ({ year, month, day }, { hour, minute, half }) => {
      const words = {
        modTime: (hour << 11) | (minute << 5) | half,
        modDate: (year << 9) | (month << 5) | day,
      };
      expect(dosTime(dosTimeToDate(words).getTime() / 1000)).toEqual(words);
    }),
  );
});

test.each(['1980-01-01T00:00:00Z', '2024-02-29T23:59:58Z', '2107-12-31T23:59:58Z'])(
  '%s comes back',
  (time) => {
    expect(dosTimeToDate(dosTime(Date.parse(time) / 1000))).toEqual(new Date(time));
  },
);
