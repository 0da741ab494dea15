import { type ExtraField, parseExtraFields } from 'yauzl';
import { ZIP64_EXTRA_ID, ZIP64_MARK_32 } from './zip-records.ts';

/**
 * Lengths in bytes of a Zip64 field that lists values which are not marked, too: both sizes, then the
 * offset, then the disk (APPNOTE.TXT 4.5.3). Go, commons-compress and macOS write such fields.
 */
const COMPLETE_LENGTHS: readonly number[] = [16, 24, 28];

/** The disk that an entry begins on, at the end of a Zip64 field. In bytes. */
const DISK_LENGTH = 4;

const NO_FIELDS: readonly ExtraField[] = [];
const NO_BYTES = Buffer.alloc(0);

/**
 * The extra fields in a header's block of them (APPNOTE.TXT 4.5.1). Up to three bytes that are left
 * over at the end are ignored: aligning tools leave such padding. Throws `Error` where a field
 * reaches past the block.
 */
export function readExtraFields(extra: Buffer): readonly ExtraField[] {
  return extra.length === 0 ? NO_FIELDS : parseExtraFields(extra);
}

/** A block of extra fields as it is, but without its Zip64 field. */
export function withoutZip64(extra: Buffer, fields: readonly ExtraField[]): Buffer {
  if (!fields.some(({ id }) => id === ZIP64_EXTRA_ID)) return extra.length > 0 ? extra : NO_BYTES;
  const kept: Buffer[] = [];
  let start = 0;
  for (const { id, data } of fields) {
    const end = start + 4 + data.length;
    if (id !== ZIP64_EXTRA_ID) kept.push(extra.subarray(start, end));
    start = end;
  }
  kept.push(extra.subarray(start));
  return Buffer.concat(kept);
}

/**
 * The true values of a header's 32-bit fields, given in the order of the Zip64 field (uncompressed
 * size, compressed size, and in the central directory the offset): one with every bit set is looked
 * up there (APPNOTE.TXT 4.5.3). Throws `Error` where the field is missing, doubled, too short, beyond
 * 2^53, or where readers could take it in more than one way.
 */
export function resolveZip64(
  values: readonly number[],
  fields: readonly ExtraField[],
): readonly number[] {
  const zip64 = fields.filter(({ id }) => id === ZIP64_EXTRA_ID);
  const [field] = zip64;
  if (field === undefined) {
    if (!values.includes(ZIP64_MARK_32)) return values;
    throw new Error('a size or offset refers to a Zip64 extra field, but there is none');
  }
  if (zip64.length > 1) throw new Error(`there are ${zip64.length} Zip64 extra fields`);
  const { data } = field;
  let position = 0;
  const resolved = values.map((value) => {
    if (value !== ZIP64_MARK_32) return value;
    if (position + 8 > data.length) throw badLength(data.length, position + 8);
    position += 8;
    return readUInt64(data, position - 8);
  });
  if (data.length > position) assertUnambiguous(values, resolved, data, position);
  return resolved;
}

/**
 * A Zip64 field with more than the marked values: some readers count the marks, some expect every
 * value at its place, so both must find the same. A value that is not marked may also be 0.
 */
function assertUnambiguous(
  values: readonly number[],
  resolved: readonly number[],
  data: Buffer,
  marked: number,
): void {
  const hasDisk = data.length % 8 === DISK_LENGTH;
  if (hasDisk && data.readUInt32LE(data.length - DISK_LENGTH) !== 0) {
    throw new Error('the Zip64 extra field says that it begins on another disk');
  }
  if (data.length === marked + DISK_LENGTH) return;
  if (!COMPLETE_LENGTHS.includes(data.length)) throw badLength(data.length, marked);
  resolved.forEach((value, index) => {
    if (8 * index + 8 > data.length) return;
    const found = readUInt64(data, 8 * index);
    if (found === value || (found === 0 && values[index] !== ZIP64_MARK_32)) return;
    throw new Error(`the Zip64 extra field says ${found} where the header says ${value}`);
  });
}

function badLength(actual: number, expected: number): Error {
  return new Error(`the Zip64 extra field has ${actual} bytes, expected ${expected}`);
}

/** A 64-bit number of a record. Throws `Error` where a JavaScript number can't hold it exactly. */
export function readUInt64(bytes: Buffer, position: number): number {
  const value = bytes.readBigUInt64LE(position);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new Error(`${value} is beyond 2^53`);
  return Number(value);
}
