import type { SourceRange } from './layout.ts';
import { storedEntry } from './stored-entry.ts';
import type { EntryFacts } from './zip-entry.ts';
import { centralHeader, endRecords, localHeader } from './zip-records.ts';

/** A file that is to be stored in an archive, as its headers have it. */
export interface ArchivedFile {
  /** Its path in the archive. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** Of its content; undefined where only reading tells. */
  readonly crc32: number | undefined;
  /** MS-DOS words. */
  readonly modTime: number;
  readonly modDate: number;
}

/** The local file header of a file, by its index: it can be written once the file's CRC-32 is known. */
export interface HeaderPiece {
  readonly header: number;
  readonly length: number;
}

/** The central directory with the records that end the archive: they need every file's CRC-32. */
export interface DirectoryPiece {
  readonly directory: true;
  readonly length: number;
}

/** A stretch of an archive of stored files. A range's source is the index of the file that it is of. */
export type ZipPiece = SourceRange | HeaderPiece | DirectoryPiece;

/** An archive as a plan: its pieces in order. */
export interface ZipLayout {
  /** In bytes. */
  readonly size: number;
  readonly pieces: readonly ZipPiece[];
}

/**
 * Lays out an archive of stored files: a local header and the content of each, in order, then the
 * central directory. All lengths are known before a CRC-32 is: Zip64 fields depend on sizes, offsets
 * and counts alone.
 */
export function layoutZip(files: readonly ArchivedFile[]): ZipLayout {
  const pieces: ZipPiece[] = [];
  let position = 0;
  for (const [index, file] of files.entries()) {
    const { length } = localHeader(entryOf(file, 0));
    pieces.push({ header: index, length });
    if (file.size > 0) pieces.push({ source: index, start: 0, end: file.size });
    position += length + file.size;
  }
  const { length } = zipDirectory(files, () => 0);
  pieces.push({ directory: true, length });
  return { size: position + length, pieces };
}

/** The bytes of a {@link HeaderPiece}. */
export function zipHeader(file: ArchivedFile, crc32: number): Buffer {
  return localHeader(entryOf(file, crc32));
}

/**
 * The bytes of the {@link DirectoryPiece} of an archive.
 *
 * @param crcOf the CRC-32 of a file, by its index
 */
export function zipDirectory(
  files: readonly ArchivedFile[],
  crcOf: (index: number) => number,
): Buffer {
  const headers: Buffer[] = [];
  let position = 0;
  let length = 0;
  for (const [index, file] of files.entries()) {
    const entry = entryOf(file, crcOf(index));
    const header = centralHeader(entry, position);
    headers.push(header);
    length += header.length;
    position += localHeader(entry).length + file.size;
  }
  headers.push(endRecords({ count: files.length, offset: position, length }));
  return Buffer.concat(headers);
}

function entryOf(file: ArchivedFile, crc32: number): EntryFacts {
  return storedEntry(file.name, { ...file, crc32 });
}
