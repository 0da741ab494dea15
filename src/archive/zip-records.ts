import { type EntryFacts, FLAG_DATA_DESCRIPTOR } from './zip-entry.ts';

/** Signatures of the records, APPNOTE.TXT 4.3.7 to 4.3.16. */
export const LOCAL_HEADER_SIGNATURE = 0x04034b50;
export const DATA_DESCRIPTOR_SIGNATURE = 0x08074b50;
export const CENTRAL_HEADER_SIGNATURE = 0x02014b50;
export const END_SIGNATURE = 0x06054b50;
export const ZIP64_END_SIGNATURE = 0x06064b50;
export const ZIP64_LOCATOR_SIGNATURE = 0x07064b50;

/** Fixed lengths of the records in bytes, without names, extra fields and comments. */
export const LOCAL_HEADER_LENGTH = 30;
export const CENTRAL_HEADER_LENGTH = 46;
export const END_LENGTH = 22;
export const ZIP64_END_LENGTH = 56;
export const ZIP64_LOCATOR_LENGTH = 20;

/** A 16- or 32-bit field with every bit set says "look in the Zip64 record" (APPNOTE.TXT 4.4.1.4). */
export const ZIP64_MARK_16 = 0xffff;
export const ZIP64_MARK_32 = 0xffffffff;
export const ZIP64_EXTRA_ID = 0x0001;

/** "Version needed to extract" and the version part of "made by" of what uses Zip64 (APPNOTE.TXT 4.4.3.2). */
const VERSION_ZIP64 = 45;

/**
 * The local file header of an entry whose CRC and sizes are known (APPNOTE.TXT 4.3.7). No data
 * descriptor follows: bit 3 is cleared. Zip64 sizes go into the 0x0001 extra field, both of them, as
 * APPNOTE.TXT 4.5.3 demands of a local header; no other extra field is written.
 */
export function localHeader(entry: EntryFacts): Buffer {
  const zip64 = needsZip64(entry.compressedSize) || needsZip64(entry.uncompressedSize);
  const extra = zip64
    ? zip64Extra([entry.uncompressedSize, entry.compressedSize])
    : Buffer.alloc(0);
  const header = Buffer.alloc(LOCAL_HEADER_LENGTH);
  header.writeUInt32LE(LOCAL_HEADER_SIGNATURE, 0);
  header.writeUInt16LE(zip64 ? VERSION_ZIP64 : entry.versionNeeded, 4);
  header.writeUInt16LE(entry.flags & ~FLAG_DATA_DESCRIPTOR, 6);
  header.writeUInt16LE(entry.method, 8);
  header.writeUInt16LE(entry.modTime, 10);
  header.writeUInt16LE(entry.modDate, 12);
  header.writeUInt32LE(entry.crc32, 14);
  header.writeUInt32LE(zip64 ? ZIP64_MARK_32 : entry.compressedSize, 18);
  header.writeUInt32LE(zip64 ? ZIP64_MARK_32 : entry.uncompressedSize, 22);
  header.writeUInt16LE(entry.rawName.length, 26);
  header.writeUInt16LE(extra.length, 28);
  return Buffer.concat([header, entry.rawName, extra]);
}

/**
 * The central directory's header of an entry whose local header lies at `offset` (APPNOTE.TXT
 * 4.3.12). The Zip64 extra field carries only the fields that overflow, in the order of APPNOTE.TXT
 * 4.5.3; the entry's other extra fields follow it.
 */
export function centralHeader(entry: EntryFacts, offset: number): Buffer {
  const wide = [entry.uncompressedSize, entry.compressedSize, offset].filter(needsZip64);
  const extra = wide.length > 0 ? Buffer.concat([zip64Extra(wide), entry.extra]) : entry.extra;
  const header = Buffer.alloc(CENTRAL_HEADER_LENGTH);
  header.writeUInt32LE(CENTRAL_HEADER_SIGNATURE, 0);
  header.writeUInt16LE(entry.versionMadeBy, 4);
  header.writeUInt16LE(
    wide.length > 0 ? Math.max(VERSION_ZIP64, entry.versionNeeded) : entry.versionNeeded,
    6,
  );
  header.writeUInt16LE(entry.flags, 8);
  header.writeUInt16LE(entry.method, 10);
  header.writeUInt16LE(entry.modTime, 12);
  header.writeUInt16LE(entry.modDate, 14);
  header.writeUInt32LE(entry.crc32, 16);
  header.writeUInt32LE(clamp32(entry.compressedSize), 20);
  header.writeUInt32LE(clamp32(entry.uncompressedSize), 24);
  header.writeUInt16LE(entry.rawName.length, 28);
  header.writeUInt16LE(extra.length, 30);
  header.writeUInt16LE(entry.comment.length, 32);
  header.writeUInt16LE(0, 34); // disk number
  header.writeUInt16LE(entry.internalAttributes, 36);
  header.writeUInt32LE(entry.externalAttributes, 38);
  header.writeUInt32LE(clamp32(offset), 42);
  return Buffer.concat([header, entry.rawName, extra, entry.comment]);
}

/** Where a central directory lies, and how many headers it has. */
export interface CentralDirectoryExtent {
  readonly count: number;
  /** Offset of its first header and its length, in bytes. */
  readonly offset: number;
  readonly length: number;
}

/**
 * The records that end an archive: the end of central directory record (APPNOTE.TXT 4.3.16), with
 * the Zip64 record and its locator before it (4.3.14, 4.3.15) only where a number overflows.
 */
export function endRecords(directory: CentralDirectoryExtent): Buffer {
  const { count, offset, length } = directory;
  const zip64 = count >= ZIP64_MARK_16 || needsZip64(offset) || needsZip64(length);
  const end = Buffer.alloc(END_LENGTH);
  end.writeUInt32LE(END_SIGNATURE, 0);
  end.writeUInt16LE(Math.min(count, ZIP64_MARK_16), 8);
  end.writeUInt16LE(Math.min(count, ZIP64_MARK_16), 10);
  end.writeUInt32LE(clamp32(length), 12);
  end.writeUInt32LE(clamp32(offset), 16);
  return zip64 ? Buffer.concat([zip64EndRecords(directory), end]) : end;
}

function zip64EndRecords({ count, offset, length }: CentralDirectoryExtent): Buffer {
  const records = Buffer.alloc(ZIP64_END_LENGTH + ZIP64_LOCATOR_LENGTH);
  records.writeUInt32LE(ZIP64_END_SIGNATURE, 0);
  records.writeBigUInt64LE(BigInt(ZIP64_END_LENGTH - 12), 4); // size of what follows this field
  records.writeUInt16LE(VERSION_ZIP64, 12);
  records.writeUInt16LE(VERSION_ZIP64, 14);
  records.writeBigUInt64LE(BigInt(count), 24);
  records.writeBigUInt64LE(BigInt(count), 32);
  records.writeBigUInt64LE(BigInt(length), 40);
  records.writeBigUInt64LE(BigInt(offset), 48);
  const locator = records.subarray(ZIP64_END_LENGTH);
  locator.writeUInt32LE(ZIP64_LOCATOR_SIGNATURE, 0);
  locator.writeBigUInt64LE(BigInt(offset + length), 8);
  locator.writeUInt32LE(1, 16); // number of disks
  return records;
}

function zip64Extra(values: readonly number[]): Buffer {
  const extra = Buffer.alloc(4 + 8 * values.length);
  extra.writeUInt16LE(ZIP64_EXTRA_ID, 0);
  extra.writeUInt16LE(8 * values.length, 2);
  values.forEach((value, index) => {
    extra.writeBigUInt64LE(BigInt(value), 4 + 8 * index);
  });
  return extra;
}

function needsZip64(value: number): boolean {
  return value >= ZIP64_MARK_32;
}

function clamp32(value: number): number {
  return Math.min(value, ZIP64_MARK_32);
}
