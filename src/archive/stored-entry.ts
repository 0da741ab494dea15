import { type EntryFacts, FLAG_UTF8, METHOD_STORE } from './zip-entry.ts';

/** A file that is to be stored as it is. */
export interface StoredContent {
  /** In bytes. */
  readonly size: number;
  readonly crc32: number;
  /** MS-DOS words. */
  readonly modTime: number;
  readonly modDate: number;
}

/** Made on Unix by ZIP 2.0, a regular file that everyone may read. */
const MADE_BY_UNIX_20 = (3 << 8) | 20;
const REGULAR_FILE_0644 = 0o100644 * 0x10000;

/** What the ZIP of a file says that is stored uncompressed under this name. */
export function storedEntry(name: string, content: StoredContent): EntryFacts {
  return {
    rawName: Buffer.from(name, 'utf8'),
    versionMadeBy: MADE_BY_UNIX_20,
    versionNeeded: 20,
    flags: utf8Flag(name),
    method: METHOD_STORE,
    modTime: content.modTime,
    modDate: content.modDate,
    crc32: content.crc32,
    compressedSize: content.size,
    uncompressedSize: content.size,
    internalAttributes: 0,
    externalAttributes: REGULAR_FILE_0644,
    extra: Buffer.alloc(0),
    comment: Buffer.alloc(0),
  };
}

/** ASCII names need no flag; readers that ignore it see the same either way. */
export function utf8Flag(name: string): number {
  return Buffer.byteLength(name, 'utf8') === name.length ? 0 : FLAG_UTF8;
}
