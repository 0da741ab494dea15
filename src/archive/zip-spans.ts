import { entryError, quoteName } from './entry-names.ts';
import { ArchiveError } from './errors.ts';
import type { CentralEntry } from './zip-central.ts';
import { FLAG_DATA_DESCRIPTOR } from './zip-entry.ts';
import { DESCRIPTOR_LENGTHS, hiddenBytes } from './zip-local.ts';
import { LOCAL_HEADER_LENGTH } from './zip-records.ts';

/** An entry with the extent of its record. */
export interface Span {
  readonly entry: CentralEntry;
  /** Offset just behind the record. */
  readonly recordEnd: number;
  /**
   * Bytes of the record beyond header, name and data: the local extra fields, whose length only the
   * local header says, and the data descriptor.
   */
  readonly slack: number;
}

/** A local header's extra fields have a 16-bit length (APPNOTE.TXT 4.4.11). */
const MAX_EXTRA_LENGTH = 0xffff;
const MIN_DESCRIPTOR_LENGTH = Math.min(...DESCRIPTOR_LENGTHS);
const MAX_DESCRIPTOR_LENGTH = Math.max(...DESCRIPTOR_LENGTHS);

/**
 * The extents of all records, given in the order of their offsets: each reaches to where the next
 * begins, the last to where the central directory does.
 *
 * Throws `ArchiveError` where bytes lie before the first record, where two records overlap (a few KB
 * can claim gigabytes that way), or where one is longer than its header, data and descriptor can be.
 */
export function* readSpans(
  entries: readonly CentralEntry[],
  directoryStart: number,
): Generator<Span> {
  const firstStart = entries[0]?.recordStart ?? directoryStart;
  if (entries.length > 0 && firstStart !== 0) {
    throw new ArchiveError(`${firstStart} bytes lie before the archive's first entry`);
  }
  if (entries.length === 0 && directoryStart !== 0) {
    throw new ArchiveError(
      `The archive has no entries, but ${directoryStart} bytes before its end`,
    );
  }
  for (const [index, entry] of entries.entries()) {
    const next = entries[index + 1];
    const recordEnd = next?.recordStart ?? directoryStart;
    const slack =
      recordEnd -
      entry.recordStart -
      LOCAL_HEADER_LENGTH -
      entry.rawName.length -
      entry.compressedSize;
    const descriptor = (entry.flags & FLAG_DATA_DESCRIPTOR) !== 0;
    const least = descriptor ? MIN_DESCRIPTOR_LENGTH : 0;
    if (slack < least) {
      const follower = next ? `entry ${quoteName(next.name)}` : 'the central directory';
      throw entryError(
        entry.name,
        `its record at offset ${entry.recordStart} takes ${recordEnd - entry.recordStart + least - slack} bytes or more, ` +
          `but overlaps ${follower} at offset ${recordEnd}`,
      );
    }
    const most = MAX_EXTRA_LENGTH + (descriptor ? MAX_DESCRIPTOR_LENGTH : 0);
    if (slack > most) throw hiddenBytes(entry, slack - most);
    yield { entry, recordEnd, slack };
  }
}
