import { crc32 } from 'node:zlib';
import { MANIFEST_NAME } from './contents.ts';
import {
  type EntryFacts,
  FLAG_DATA_DESCRIPTOR,
  FLAG_UTF8,
  METHOD_STORE,
  type ZipEntry,
} from './zip-entry.ts';
import { centralHeader, endRecords, localHeader } from './zip-records.ts';

/** Bytes that are known when the layout is made: headers, a manifest, a central directory. */
export interface Literal {
  readonly bytes: Buffer;
}

/** Bytes of the source, from `start` up to, not including, `end`. */
export interface SourceRange {
  readonly start: number;
  readonly end: number;
  /** Index into the layout's entries, where the range is all that the object takes of that entry. */
  readonly entry?: number;
}

/** A stretch of the object that is to be made. */
export type Piece = Literal | SourceRange;

/** An object as a plan: its pieces in order. Nothing has been read or written yet. */
export interface ObjectLayout {
  /** The object's size in bytes. */
  readonly size: number;
  readonly pieces: readonly Piece[];
  /** The source's entries that the object takes, in source order. */
  readonly entries: readonly ZipEntry[];
}

export function isLiteral(piece: Piece): piece is Literal {
  return 'bytes' in piece;
}

/** The size of a piece in bytes. */
export function pieceLength(piece: Piece): number {
  return isLiteral(piece) ? piece.bytes.length : piece.end - piece.start;
}

/** An image of a batch zip: the name that it gets, and the source entry that it is. */
export interface BatchImage {
  readonly name: string;
  readonly entry: ZipEntry;
}

/** A batch's manifest: its bytes, and the modification time that its entry gets (MS-DOS words). */
export interface BatchManifest {
  readonly bytes: Buffer;
  readonly modTime: number;
  readonly modDate: number;
}

/** Info-ZIP's extra field with the entry's name in UTF-8, APPNOTE.TXT 4.6.9: wrong once the name changes. */
const UNICODE_PATH_EXTRA_ID = 0x7075;

/** Made on Unix by ZIP 2.0, a regular file that everyone may read. */
const MADE_BY_UNIX_20 = (3 << 8) | 20;
const REGULAR_FILE_0644 = 0o100644 * 0x10000;

/**
 * Lays out a batch zip: the images in the order given, which should be the source's so that
 * neighbours stay neighbours; then the manifest, stored; then the central directory. An image that
 * keeps its name is taken with its whole record; one that is renamed gets a new local header before
 * its data. The manifest comes last because the final part of a multipart upload may have any size:
 * a batch of neighbours is then one run of the source and one small part of literals.
 */
export function layoutBatchZip(
  images: readonly BatchImage[],
  manifest: BatchManifest,
): ObjectLayout {
  const pieces: Piece[] = [];
  const directory: Buffer[] = [];
  let position = 0;

  const add = (entry: EntryFacts, ...content: Piece[]) => {
    directory.push(centralHeader(entry, position));
    for (const piece of content) {
      pieces.push(piece);
      position += pieceLength(piece);
    }
  };

  images.forEach(({ name, entry }, index) => {
    if (name === entry.name) {
      add(entry, { start: entry.recordStart, end: entry.recordEnd, entry: index });
    } else {
      const renamed = rename(entry, name);
      const end = entry.dataStart + entry.compressedSize;
      add(renamed, { bytes: localHeader(renamed) }, { start: entry.dataStart, end, entry: index });
    }
  });
  const manifestEntry = storedEntry(MANIFEST_NAME, manifest);
  add(manifestEntry, { bytes: localHeader(manifestEntry) }, { bytes: manifest.bytes });

  const length = directory.reduce((sum, header) => sum + header.length, 0);
  directory.push(endRecords({ count: images.length + 1, offset: position, length }));
  const tail = Buffer.concat(directory);
  pieces.push({ bytes: tail });
  return { size: position + tail.length, pieces, entries: images.map(({ entry }) => entry) };
}

function rename(entry: ZipEntry, name: string): EntryFacts {
  return {
    ...entry,
    rawName: Buffer.from(name, 'utf8'),
    flags: (entry.flags & ~FLAG_DATA_DESCRIPTOR) | utf8Flag(name),
    extra: withoutExtraField(entry.extra, UNICODE_PATH_EXTRA_ID),
  };
}

function storedEntry(name: string, { bytes, modTime, modDate }: BatchManifest): EntryFacts {
  return {
    rawName: Buffer.from(name, 'utf8'),
    versionMadeBy: MADE_BY_UNIX_20,
    versionNeeded: 20,
    flags: utf8Flag(name),
    method: METHOD_STORE,
    modTime,
    modDate,
    crc32: crc32(bytes),
    compressedSize: bytes.length,
    uncompressedSize: bytes.length,
    internalAttributes: 0,
    externalAttributes: REGULAR_FILE_0644,
    extra: Buffer.alloc(0),
    comment: Buffer.alloc(0),
  };
}

/** ASCII names need no flag; readers that ignore it see the same either way. */
function utf8Flag(name: string): number {
  return Buffer.byteLength(name, 'utf8') === name.length ? 0 : FLAG_UTF8;
}

/** Extra fields are a 16-bit id, a 16-bit length, and the data (APPNOTE.TXT 4.5.1). */
function withoutExtraField(extra: Buffer, id: number): Buffer {
  const kept: Buffer[] = [];
  let position = 0;
  while (position + 4 <= extra.length) {
    const end = position + 4 + extra.readUInt16LE(position + 2);
    if (extra.readUInt16LE(position) !== id) kept.push(extra.subarray(position, end));
    position = end;
  }
  kept.push(extra.subarray(position));
  return Buffer.concat(kept);
}
