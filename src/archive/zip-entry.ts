/** General purpose bit flags, APPNOTE.TXT 4.4.4. */
export const FLAG_ENCRYPTED = 1 << 0;
export const FLAG_DATA_DESCRIPTOR = 1 << 3;
export const FLAG_STRONG_ENCRYPTION = 1 << 6;
export const FLAG_UTF8 = 1 << 11;
export const FLAG_MASKED_HEADERS = 1 << 13;

/** Compression methods, APPNOTE.TXT 4.4.5: the only two that are read or written here. */
export const METHOD_STORE = 0;
export const METHOD_DEFLATE = 8;

/** What a ZIP says of one entry, wherever its bytes lie. Sizes in bytes. */
export interface EntryFacts {
  /** The name as bytes, exactly as the archive has it. */
  readonly rawName: Buffer;
  readonly versionMadeBy: number;
  readonly versionNeeded: number;
  readonly flags: number;
  readonly method: number;
  /** MS-DOS time and date, two 16-bit words (APPNOTE.TXT 4.4.6). */
  readonly modTime: number;
  readonly modDate: number;
  readonly crc32: number;
  readonly compressedSize: number;
  readonly uncompressedSize: number;
  readonly internalAttributes: number;
  readonly externalAttributes: number;
  /** The central directory's extra fields, without Zip64 (0x0001), which is made anew from the numbers. */
  readonly extra: Buffer;
  readonly comment: Buffer;
}

/**
 * An entry of a source archive and where its record lies. A record is the local header, the data and
 * the data descriptor, if there is one; it ends exactly where the next record or the central
 * directory begins. Offsets in bytes from the start of the archive.
 *
 * A file of a TAR is an entry, too: as the record that it was written as when the TAR was unpacked, or
 * as data alone, for which a local header has yet to be made.
 */
export interface ZipEntry extends EntryFacts {
  /** Its path in the archive, as text. */
  readonly name: string;
  /** The name that its record has as text; undefined where there is no record, only data. */
  readonly recordName: string | undefined;
  /** Whether the CRC-32 was computed from these very bytes: reading them again would tell nothing new. */
  readonly verified: boolean;
  /** Offset of the local file header. */
  readonly recordStart: number;
  /** Offset of the data's first byte. */
  readonly dataStart: number;
  /** Offset just behind the record. */
  readonly recordEnd: number;
}

/** A directory's entry carries no data; its name ends in a slash (APPNOTE.TXT 4.4.17.1). */
export function isDirectory(entry: Pick<ZipEntry, 'name'>): boolean {
  return entry.name.endsWith('/');
}
