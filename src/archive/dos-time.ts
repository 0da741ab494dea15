/** A time as a ZIP has it: two 16-bit words, MS-DOS (APPNOTE.TXT 4.4.6). */
export interface DosTime {
  /** Hours, minutes, and seconds halved. */
  readonly modTime: number;
  /** Years since 1980, months, days. */
  readonly modDate: number;
}

/** All that the words can say, in seconds since 1970. */
const FIRST = Date.UTC(1980, 0, 1) / 1000;
const LAST = Date.UTC(2107, 11, 31, 23, 59, 59) / 1000;

/**
 * A time in seconds since 1970 as MS-DOS words, in UTC: they say no zone, and the same bytes have to
 * come out wherever this runs. An odd second becomes the even one before; what lies before 1980 or
 * after 2107 becomes the nearest that there is.
 */
export function dosTime(seconds: number): DosTime {
  const time = new Date(Math.min(Math.max(seconds, FIRST), LAST) * 1000);
  return {
    modTime: (time.getUTCHours() << 11) | (time.getUTCMinutes() << 5) | (time.getUTCSeconds() >> 1),
    modDate:
      ((time.getUTCFullYear() - 1980) << 9) | ((time.getUTCMonth() + 1) << 5) | time.getUTCDate(),
  };
}

/** The time, in UTC, that MS-DOS words say. */
export function dosTimeToDate({ modTime, modDate }: DosTime): Date {
  const day = [1980 + (modDate >> 9), ((modDate >> 5) & 15) - 1, modDate & 31] as const;
  return new Date(Date.UTC(...day, modTime >> 11, (modTime >> 5) & 63, 2 * (modTime & 31)));
}
