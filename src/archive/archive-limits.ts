import { quoteName } from './entry-names.ts';
import { LimitError } from './errors.ts';
import { type EntryFacts, METHOD_DEFLATE } from './zip-entry.ts';
import type { CentralDirectoryExtent } from './zip-records.ts';

/** How large a source archive may be. Each limit is inclusive. */
export interface ArchiveLimits {
  /** Entries, directories included (`MAX_ENTRIES`). */
  readonly maxEntries: number;
  /** Bytes of one entry, uncompressed (`MAX_ENTRY_BYTES`). */
  readonly maxEntryBytes: number;
  /** Bytes of all entries together, uncompressed (`MAX_TOTAL_BYTES`). */
  readonly maxTotalBytes: number;
  /** Uncompressed over compressed bytes of a deflated entry (`MAX_RATIO`). */
  readonly maxRatio: number;
}

/** Below this many uncompressed bytes any ratio passes: a short run of zeros hurts nobody. */
const RATIO_FLOOR_BYTES = 1024 * 1024;

/**
 * Central directory bytes that one allowed entry may take on average: 46 for the header, the rest for
 * its name, extra fields and comment. The directory is held in memory, so that MAX_ENTRIES bounds it.
 */
const DIRECTORY_BYTES_PER_ENTRY = 512;

/** Names with long comments may fill this much whatever MAX_ENTRIES is. */
const DIRECTORY_BYTES_FLOOR = 1024 * 1024;

/** Throws `LimitError` where a claimed central directory is too large to be read into memory. */
export function assertDirectoryWithinLimits(
  directory: CentralDirectoryExtent,
  { maxEntries }: ArchiveLimits,
): void {
  if (directory.count > maxEntries) {
    throw new LimitError(
      `The archive has ${directory.count} entries, the limit is ${maxEntries} (MAX_ENTRIES)`,
    );
  }
  const maxLength = Math.max(DIRECTORY_BYTES_FLOOR, maxEntries * DIRECTORY_BYTES_PER_ENTRY);
  if (directory.length > maxLength) {
    throw new LimitError(
      `The central directory has ${directory.length} bytes, the limit is ${maxLength}: ` +
        `${DIRECTORY_BYTES_PER_ENTRY} for each of ${maxEntries} entries (MAX_ENTRIES)`,
    );
  }
}

/** Throws `LimitError` where an entry is larger than allowed, or inflates more than allowed. */
export function assertEntryWithinLimits(
  entry: Pick<EntryFacts, 'method' | 'compressedSize' | 'uncompressedSize'> & { name: string },
  { maxEntryBytes, maxRatio }: ArchiveLimits,
): void {
  const { name, compressedSize, uncompressedSize } = entry;
  if (uncompressedSize > maxEntryBytes) {
    throw new LimitError(
      `Entry ${quoteName(name)}: has ${uncompressedSize} bytes, the limit is ${maxEntryBytes} (MAX_ENTRY_BYTES)`,
    );
  }
  if (
    entry.method === METHOD_DEFLATE &&
    uncompressedSize > RATIO_FLOOR_BYTES &&
    uncompressedSize > compressedSize * maxRatio
  ) {
    throw new LimitError(
      `Entry ${quoteName(name)}: inflates from ${compressedSize} to ${uncompressedSize} bytes, ` +
        `the limit is ${maxRatio} times (MAX_RATIO)`,
    );
  }
}

/** Throws `LimitError` where there are more entries than allowed. */
export function assertCountWithinLimits(count: number, { maxEntries }: ArchiveLimits): void {
  if (count > maxEntries) {
    throw new LimitError(
      `The archive has more than ${maxEntries} entries, the limit (MAX_ENTRIES)`,
    );
  }
}

/** Throws `LimitError` where a compressed archive inflates more than allowed. Sizes in bytes. */
export function assertInflationWithinLimits(
  compressed: number,
  inflated: number,
  { maxRatio }: ArchiveLimits,
): void {
  if (inflated > RATIO_FLOOR_BYTES && inflated > compressed * maxRatio) {
    throw new LimitError(
      `The archive's first ${compressed} bytes inflate to ${inflated}, the limit is ${maxRatio} times (MAX_RATIO)`,
    );
  }
}

/** Throws `LimitError` where the entries together are larger than allowed. */
export function assertTotalWithinLimits(
  totalBytes: number,
  { maxTotalBytes }: ArchiveLimits,
): void {
  if (totalBytes > maxTotalBytes) {
    throw new LimitError(
      `The archive's entries have ${totalBytes} bytes or more together, the limit is ${maxTotalBytes} (MAX_TOTAL_BYTES)`,
    );
  }
}
