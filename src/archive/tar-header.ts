import { entryError } from './entry-names.ts';
import { decodeTerminated } from './tar-names.ts';

/** A TAR is made of blocks of this many bytes; a header is one block. */
export const BLOCK_BYTES = 512;

/** What one header says. */
export interface TarHeader {
  /** Offset of the header from the start of the TAR, in bytes. */
  readonly offset: number;
  /** With the prefix that ustar keeps in a field of its own. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** Seconds since 1970; negative before. */
  readonly mtime: number;
  /** The type flag, a character; `0` for a regular file in old headers, too. */
  readonly type: string;
  /** Where a link points; empty for all others. */
  readonly linkName: string;
}

/**
 * Where a header's fields begin and end, POSIX.1-2017 pax, "ustar Interchange Format". Headers of
 * before POSIX have all of them up to the link's name, GNU's all up to the magic at the same places.
 */
const FIELDS = {
  name: [0, 100],
  size: [124, 136],
  mtime: [136, 148],
  checksum: [148, 156],
  type: [156, 157],
  linkName: [157, 257],
  magic: [257, 263],
  prefix: [345, 500],
} as const;

/** GNU's older headers have `ustar` and spaces here, and other things in place of the prefix. */
const POSIX_MAGIC = Buffer.from('ustar\0');

/**
 * The first byte of a number in base 256, positive or negative (GNU tar's manual, "Standard": it is
 * written where octal digits do not suffice). Of the others only the last 53 bits can matter here.
 */
const BASE_256_POSITIVE = 0x80;
const BASE_256_NEGATIVE = 0xff;
const BASE_256_BITS = 96;

const SPACE = 0x20;

/** Zeros to compare with: more than a block, for what comes behind the archive's end. */
const ZEROS = Buffer.alloc(64 * 1024);

/** Whether all bytes are zero; of a block of a TAR, that it marks the archive's end. */
export function isZero(bytes: Buffer): boolean {
  for (let start = 0; start < bytes.length; start += ZEROS.length) {
    const part = bytes.subarray(start, start + ZEROS.length);
    if (!part.equals(ZEROS.subarray(0, part.length))) return false;
  }
  return true;
}

/**
 * Whether a block's checksum fits: the sum of its bytes, the checksum's own counted as spaces, in
 * octal digits. Some old programs took the bytes as signed; as GNU tar does, such a sum is accepted.
 */
export function hasTarChecksum(block: Buffer): boolean {
  if (block.length < BLOCK_BYTES) return false;
  const [start, end] = FIELDS.checksum;
  let sum = SPACE * (end - start);
  let signs = 0;
  for (let index = 0; index < BLOCK_BYTES; index += 1) {
    if (index === start) index = end;
    const byte = block[index] as number;
    sum += byte;
    if (byte > 0x7f) signs += 1;
  }
  const stated = Number.parseInt(octalDigits(field(block, 'checksum')) ?? '', 8);
  return stated === sum || stated === sum - 256 * signs;
}

/**
 * Reads a header whose checksum fits, at `offset` of the TAR. Throws `ArchiveError` where a number in
 * it is none, the size is negative, or one is beyond 2^53.
 */
export function readTarHeader(block: Buffer, offset: number): TarHeader {
  const type = field(block, 'type').toString('latin1');
  const header = {
    offset,
    name: headerName(block),
    size: readNumber(field(block, 'size')),
    mtime: readNumber(field(block, 'mtime')),
    type: type === '\0' ? '0' : type,
    linkName: decodeTerminated(field(block, 'linkName')),
  };
  if (!(header.size >= 0)) throw badNumber(header, block, 'size');
  if (Number.isNaN(header.mtime)) throw badNumber(header, block, 'mtime');
  return header;
}

function badNumber({ name, offset }: TarHeader, block: Buffer, key: 'size' | 'mtime'): Error {
  const bytes = field(block, key);
  const found =
    (bytes[0] ?? 0) > 0x7f
      ? `0x${bytes.toString('hex')}`
      : JSON.stringify(bytes.toString('latin1'));
  return entryError(
    name,
    `its header at offset ${offset} has the ${key} ${found}, expected a number from ` +
      `${key === 'size' ? '0' : '-2^53'} to 2^53 in octal or base 256`,
  );
}

function headerName(block: Buffer): string {
  const name = decodeTerminated(field(block, 'name'));
  if (!field(block, 'magic').equals(POSIX_MAGIC)) return name;
  const prefix = decodeTerminated(field(block, 'prefix'));
  return prefix === '' ? name : `${prefix}/${name}`;
}

function field(block: Buffer, key: keyof typeof FIELDS): Buffer {
  return block.subarray(...FIELDS[key]);
}

/** A number in octal or base 256, or NaN. An empty field, which some programs leave, is 0. */
function readNumber(bytes: Buffer): number {
  if (bytes[0] === BASE_256_POSITIVE || bytes[0] === BASE_256_NEGATIVE) return readBase256(bytes);
  const digits = octalDigits(bytes);
  return digits === '' ? 0 : Number.parseInt(digits ?? '', 8);
}

/** The digits in a field, with spaces or NULs before and behind; undefined where there is more. */
function octalDigits(bytes: Buffer): string | undefined {
  return /^[ \0]*([0-7]*)[ \0]*$/.exec(bytes.toString('latin1'))?.[1];
}

/** A big-endian number in two's complement, but for its highest bit, which only marks it; or NaN. */
function readBase256(bytes: Buffer): number {
  const bits = BigInt(`0x${bytes.toString('hex')}`);
  const value = Number(
    bytes[0] === BASE_256_NEGATIVE
      ? BigInt.asIntN(BASE_256_BITS, bits)
      : BigInt.asUintN(BASE_256_BITS - 1, bits),
  );
  return Number.isSafeInteger(value) ? value : Number.NaN;
}
