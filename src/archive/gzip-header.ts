import { crc32 } from 'node:zlib';
import { ArchiveError } from './errors.ts';
import type { GzipInput } from './gzip-input.ts';
import { hex32 } from './zip-local.ts';

/** ID1 and ID2, RFC 1952 section 2.3.1. */
const ID = Buffer.from([0x1f, 0x8b]);

/** CM of deflate, the only compression method there is (section 2.3.1). */
const METHOD_DEFLATE = 8;

/** Bits of FLG (section 2.3.1); FTEXT, bit 0, is a remark. */
const FLAG_HEADER_CRC = 0x02;
const FLAG_EXTRA = 0x04;
const FLAG_NAME = 0x08;
const FLAG_COMMENT = 0x10;
const FLAGS_RESERVED = 0xe0;

/** ID1 to OS, the fields that every header has. In bytes. */
const FIXED_LENGTH = 10;

/** CRC32 and ISIZE, section 2.3.1. In bytes. */
const TRAILER_LENGTH = 8;

/** What inflating a member's data gave. */
export interface MemberFacts {
  readonly crc32: number;
  /** In bytes. */
  readonly size: number;
}

/**
 * Reads over the header of a member (RFC 1952 section 2.3) to its data. The extra field, the name and
 * the comment are passed over, however long. Throws `ArchiveError` by the header's offset where there
 * is none, where it wants a method or has a flag that RFC 1952 does not know, or its CRC is wrong.
 */
export async function readGzipHeader(input: GzipInput): Promise<void> {
  const start = input.offset;
  const fixed = await input.take(FIXED_LENGTH);
  const id = fixed.subarray(0, ID.length);
  const method = fixed.readUInt8(2);
  const flags = fixed.readUInt8(3);
  if (!id.equals(ID)) throw headerError(start, `begins with 0x${id.toString('hex')}, not 0x1f8b`);
  if (method !== METHOD_DEFLATE)
    throw headerError(start, `has compression method ${method}, not 8`);
  if (flags & FLAGS_RESERVED)
    throw headerError(start, `has reserved flags: 0x${flags.toString(16)}`);

  let crc = crc32(fixed);
  if (flags & FLAG_EXTRA) {
    const length = await input.take(2);
    const extra = await input.take(length.readUInt16LE());
    crc = crc32(extra, crc32(length, crc));
  }
  if (flags & FLAG_NAME) crc = await skipText(input, crc);
  if (flags & FLAG_COMMENT) crc = await skipText(input, crc);
  if (flags & FLAG_HEADER_CRC) {
    const stated = (await input.take(2)).readUInt16LE();
    const actual = crc & 0xffff;
    if (stated !== actual) {
      throw headerError(start, `has CRC-16 ${hex16(actual)}, it says ${hex16(stated)}`);
    }
  }
}

/**
 * Reads the trailer of a member. Throws `ArchiveError` by its offset where it does not state the
 * CRC-32 and the size (modulo 2^32) that `member` has.
 */
export async function checkGzipTrailer(input: GzipInput, member: MemberFacts): Promise<void> {
  const start = input.offset;
  const trailer = await input.take(TRAILER_LENGTH);
  const crc = trailer.readUInt32LE(0);
  const size = trailer.readUInt32LE(4);
  if (crc !== member.crc32) {
    throw trailerError(start, `CRC-32 is ${hex32(member.crc32)}, it says ${hex32(crc)}`);
  }
  if (size !== member.size % 2 ** 32) {
    throw trailerError(start, `size is ${member.size} bytes, it says ${size} (modulo 2^32)`);
  }
}

/**
 * Whether another member begins behind a trailer; if none does, reads on to the end of the input.
 * Zero bytes up to the end are padding, as tapes have it. Throws `ArchiveError` by the offset of
 * anything else.
 */
export async function hasMoreMembers(input: GzipInput): Promise<boolean> {
  const id = (await input.atLeast(ID.length)).subarray(0, ID.length);
  // The first byte alone is a member that is cut off: reading its header says so.
  if (id.length > 0 && id.equals(ID.subarray(0, id.length))) return true;
  for (;;) {
    const bytes = await input.atLeast(1);
    if (bytes.length === 0) return false;
    const other = bytes.findIndex((byte) => byte !== 0);
    if (other >= 0) {
      throw new ArchiveError(
        `The gzip stream is followed by something else at offset ${input.offset + other}`,
      );
    }
    input.skip(bytes.length);
  }
}

/** Reads over a text that a zero byte ends, and carries the CRC-32 on. */
async function skipText(input: GzipInput, crc: number): Promise<number> {
  for (let sum = crc; ; ) {
    const bytes = await input.some();
    const zero = bytes.indexOf(0);
    const text = zero < 0 ? bytes : bytes.subarray(0, zero + 1);
    sum = crc32(text, sum);
    input.skip(text.length);
    if (zero >= 0) return sum;
  }
}

function headerError(offset: number, flaw: string): ArchiveError {
  return new ArchiveError(`The gzip header at offset ${offset} ${flaw}`);
}

function trailerError(offset: number, flaw: string): ArchiveError {
  return new ArchiveError(`The gzip trailer at offset ${offset}: the data's ${flaw}`);
}

function hex16(value: number): string {
  return value.toString(16).padStart(4, '0');
}
