import type { Literal, SourceRange } from './layout.ts';
import type { ZipEntry } from './zip-entry.ts';
import { centralHeader, endRecords } from './zip-records.ts';

/** An archive that is made of other archives: their records as they are, and a directory of all. */
export interface MergedLayout {
  /** In bytes. */
  readonly size: number;
  readonly pieces: readonly (SourceRange | Literal)[];
}

/**
 * Lays out an archive that has the entries of other archives, one after the other: all records of each
 * are one range, whose source is the archive's index.
 *
 * @param archives the entries of each, in the order of their records, which begin at its first byte
 */
export function layoutMerged(archives: readonly (readonly ZipEntry[])[]): MergedLayout {
  const pieces: (SourceRange | Literal)[] = [];
  const directory: Buffer[] = [];
  let position = 0;
  for (const [source, entries] of archives.entries()) {
    for (const entry of entries) {
      directory.push(centralHeader(entry, position + entry.recordStart));
    }
    const end = entries.at(-1)?.recordEnd ?? 0;
    if (end > 0) pieces.push({ source, start: 0, end });
    position += end;
  }
  const count = directory.length;
  const length = directory.reduce((sum, header) => sum + header.length, 0);
  directory.push(endRecords({ count, offset: position, length }));
  const tail = Buffer.concat(directory);
  pieces.push({ bytes: tail });
  return { size: position + tail.length, pieces };
}
