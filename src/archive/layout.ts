import { crc32 } from 'node:zlib';
import { MANIFEST_NAME } from './contents.ts';
import { storedEntry, utf8Flag } from './stored-entry.ts';
import { type EntryFacts, FLAG_DATA_DESCRIPTOR, type ZipEntry } from './zip-entry.ts';
import { centralHeader, endRecords, localHeader } from './zip-records.ts';

/** Bytes that are known when the layout is made: headers, a manifest, a central directory. */
export interface Literal {
  readonly bytes: Buffer;
}

/** Bytes of a source, from `start` up to, not including, `end`. */
export interface SourceRange {
  /** Index of the source; a layout of one source has none. */
  readonly source?: number;
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
  /** Of the source's entries that the object takes, those that are to be verified, in source order. */
  readonly entries: readonly ZipEntry[];
}

export function isLiteral(piece: Piece): piece is Literal {
  return 'bytes' in piece;
}

/** What an object may be made of: ranges of sources, and bytes of a known length that come from elsewhere. */
export type AnyPiece = Piece | { readonly length: number };

/** The size of a piece in bytes. */
export function pieceLength(piece: AnyPiece): number {
  if ('start' in piece) return piece.end - piece.start;
  return 'bytes' in piece ? piece.bytes.length : piece.length;
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

/**
 * Lays out a batch zip: the images in the order given, which should be the source's so that
 * neighbours stay neighbours; then the manifest, stored; then the central directory. An image that
 * keeps its name is taken with its whole record; one that is renamed, or has no record, gets a new
 * local header before its data. The manifest comes last because the final part of a multipart upload may have any size:
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

  const entries: ZipEntry[] = [];
  for (const { name, entry } of images) {
    const index = entry.verified ? {} : { entry: entries.push(entry) - 1 };
    if (name === entry.recordName) {
      add(entry, { start: entry.recordStart, end: entry.recordEnd, ...index });
    } else {
      const renamed = rename(entry, name);
      const end = entry.dataStart + entry.compressedSize;
      add(renamed, { bytes: localHeader(renamed) }, { start: entry.dataStart, end, ...index });
    }
  }
  const { bytes, ...modified } = manifest;
  const content = { size: bytes.length, crc32: crc32(bytes), ...modified };
  const manifestEntry = storedEntry(MANIFEST_NAME, content);
  add(manifestEntry, { bytes: localHeader(manifestEntry) }, { bytes: manifest.bytes });

  const length = directory.reduce((sum, header) => sum + header.length, 0);
  directory.push(endRecords({ count: images.length + 1, offset: position, length }));
  const tail = Buffer.concat(directory);
  pieces.push({ bytes: tail });
  return { size: position + tail.length, pieces, entries };
}

function rename(entry: ZipEntry, name: string): EntryFacts {
  return {
    ...entry,
    rawName: Buffer.from(name, 'utf8'),
    flags: (entry.flags & ~FLAG_DATA_DESCRIPTOR) | utf8Flag(name),
    extra: withoutExtraField(entry.extra, UNICODE_PATH_EXTRA_ID),
  };
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
