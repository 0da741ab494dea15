import { decodeName, entryError, quoteName } from './entry-names.ts';
import {
  FLAG_DATA_DESCRIPTOR,
  FLAG_ENCRYPTED,
  FLAG_MASKED_HEADERS,
  FLAG_STRONG_ENCRYPTION,
  FLAG_UTF8,
  type ZipEntry,
} from './zip-entry.ts';
import { readExtraFields, resolveZip64 } from './zip-extra.ts';
import {
  DATA_DESCRIPTOR_SIGNATURE,
  LOCAL_HEADER_LENGTH,
  LOCAL_HEADER_SIGNATURE,
  ZIP64_MARK_32,
} from './zip-records.ts';
import { FLAG_PATCH } from './zip-rules.ts';

/** What a record must agree with: the entry as the central directory has it. */
export type HeaderFacts = Pick<
  ZipEntry,
  | 'name'
  | 'rawName'
  | 'flags'
  | 'method'
  | 'crc32'
  | 'compressedSize'
  | 'uncompressedSize'
  | 'recordStart'
>;

/** Flags that change how a record or its name is read. Others (how hard deflate tried) may differ. */
const FLAGS_COMPARED =
  FLAG_ENCRYPTED |
  FLAG_DATA_DESCRIPTOR |
  FLAG_PATCH |
  FLAG_STRONG_ENCRYPTION |
  FLAG_UTF8 |
  FLAG_MASKED_HEADERS;

/** The four forms of a data descriptor differ in length: with or without a signature, 32 or 64 bit. */
export const DESCRIPTOR_LENGTHS: readonly number[] = [12, 16, 20, 24];

/**
 * The length of an entry's local file header (APPNOTE.TXT 4.3.7) with its name and extra fields, after
 * a check that it says the same as the central directory. `bytes` is the record's beginning: what is
 * there for the header, or more.
 *
 * With bit 3 the CRC and the sizes follow the data, and the header may have 0 in place of each
 * (4.4.4). Throws `ArchiveError` where the two contradict each other.
 */
export function checkLocalHeader(entry: HeaderFacts, bytes: Buffer): number {
  const fail = (reason: string) =>
    entryError(entry.name, `local header at offset ${entry.recordStart}: ${reason}`);
  if (bytes.length < LOCAL_HEADER_LENGTH) {
    throw fail(`has room for ${bytes.length} bytes, expected ${LOCAL_HEADER_LENGTH} or more`);
  }
  const signature = bytes.readUInt32LE(0);
  if (signature !== LOCAL_HEADER_SIGNATURE) throw fail(`no signature, found ${hex32(signature)}`);
  const flags = bytes.readUInt16LE(6);
  if ((flags ^ entry.flags) & FLAGS_COMPARED) {
    throw fail(`flags are ${hex16(flags)}, the central directory says ${hex16(entry.flags)}`);
  }
  const method = bytes.readUInt16LE(8);
  if (method !== entry.method) {
    throw fail(`compression method is ${method}, the central directory says ${entry.method}`);
  }
  const nameEnd = LOCAL_HEADER_LENGTH + bytes.readUInt16LE(26);
  const end = nameEnd + bytes.readUInt16LE(28);
  if (end > bytes.length) {
    throw fail(`has ${end} bytes with its name and extra fields, but room for ${bytes.length}`);
  }
  const rawName = bytes.subarray(LOCAL_HEADER_LENGTH, nameEnd);
  if (!rawName.equals(entry.rawName)) {
    throw fail(`the name is ${quoteName(rawName.toString('utf8'))}`);
  }
  try {
    checkValues(entry, bytes, bytes.subarray(nameEnd, end));
  } catch (error) {
    throw fail((error as Error).message);
  }
  return end;
}

function checkValues(entry: HeaderFacts, header: Buffer, extra: Buffer): void {
  const fields = readExtraFields(extra);
  const sizes = [header.readUInt32LE(22), header.readUInt32LE(18)];
  const [uncompressedSize, compressedSize] = resolveZip64(sizes, fields) as [number, number];
  const deferred = (entry.flags & FLAG_DATA_DESCRIPTOR) !== 0;
  for (const [what, actual, expected, show] of [
    ['CRC-32', header.readUInt32LE(14), entry.crc32, hex32],
    ['compressed size', compressedSize, entry.compressedSize, String],
    ['uncompressed size', uncompressedSize, entry.uncompressedSize, String],
  ] as const) {
    if (actual === expected || (deferred && actual === 0)) continue;
    throw new Error(`${what} is ${show(actual)}, the central directory says ${show(expected)}`);
  }
  if (fields.length > 0) {
    const name = decodeName(entry.rawName, entry.flags, fields);
    // A Unicode Path may be in the central directory alone, but not in both with another name.
    if (name !== entry.name && name !== decodeName(entry.rawName, entry.flags, [])) {
      throw new Error(`its Unicode Path is ${quoteName(name)}`);
    }
  }
}

/**
 * Checks an entry's data descriptor (APPNOTE.TXT 4.3.9). `bytes` is everything between the data and
 * the next record. Throws `ArchiveError` unless it is, to the byte, one of the descriptor's forms with
 * the CRC and sizes that the central directory has; without bit 3, unless it is nothing at all.
 */
export function checkDescriptor(entry: HeaderFacts, bytes: Buffer): void {
  if (!(entry.flags & FLAG_DATA_DESCRIPTOR)) {
    if (bytes.length > 0) throw hiddenBytes(entry, bytes.length);
    return;
  }
  if (!DESCRIPTOR_LENGTHS.includes(bytes.length)) {
    throw entryError(
      entry.name,
      `${bytes.length} bytes lie between its data and the next record, expected a data descriptor of ${DESCRIPTOR_LENGTHS.join(', ')}`,
    );
  }
  if (!bytes.equals(dataDescriptor(entry, bytes.length))) {
    throw entryError(
      entry.name,
      `its data descriptor is ${bytes.toString('hex')}, which contradicts the central directory`,
    );
  }
}

/** Bytes that belong to no record, yet would be copied along with it. */
export function hiddenBytes(entry: Pick<ZipEntry, 'name'>, count: number): Error {
  return entryError(entry.name, `${count} bytes are hidden between it and the next record`);
}

function dataDescriptor(entry: HeaderFacts, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  const signed = length === 16 || length === 24;
  let at = signed ? bytes.writeUInt32LE(DATA_DESCRIPTOR_SIGNATURE, 0) : 0;
  at = bytes.writeUInt32LE(entry.crc32, at);
  for (const size of [entry.compressedSize, entry.uncompressedSize]) {
    // A size that does not fit gives the mark, which no true descriptor has in a 32-bit field.
    at =
      length >= 20
        ? bytes.writeBigUInt64LE(BigInt(size), at)
        : bytes.writeUInt32LE(Math.min(size, ZIP64_MARK_32), at);
  }
  return bytes;
}

/** A CRC-32 or a signature as an error message shows it. */
export function hex32(value: number): string {
  return value.toString(16).padStart(8, '0');
}

function hex16(value: number): string {
  return `0x${value.toString(16).padStart(4, '0')}`;
}
