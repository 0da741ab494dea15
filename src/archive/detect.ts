/** The kinds of archive that a split reads; `gzip` is a TAR.GZ once it is inflated. */
export type Container = 'zip' | 'gzip' | 'tar';

/** How many first bytes `detectContainer` wants: a TAR header. Fewer will do for the others. */
export const DETECT_BYTES = 512;

/** A local file header (APPNOTE.TXT 4.3.7), or the end record of a ZIP without entries (4.3.16). */
const ZIP_SIGNATURES = [Buffer.from('PK\x03\x04'), Buffer.from('PK\x05\x06')];

/** ID1 and ID2, RFC 1952 section 2.3.1. */
const GZIP_SIGNATURE = Buffer.from([0x1f, 0x8b]);

/** The fields of a TAR header that tell it, POSIX.1-2017 pax, "ustar Interchange Format". */
const TAR_MAGIC = Buffer.from('ustar');
const TAR_MAGIC_OFFSET = 257;
const TAR_CHECKSUM_OFFSET = 148;
const TAR_CHECKSUM_LENGTH = 8;

/** Tells an archive by its first bytes, whatever its name; undefined where it is none of these. */
export function detectContainer(firstBytes: Buffer): Container | undefined {
  if (ZIP_SIGNATURES.some((signature) => hasAt(firstBytes, signature, 0))) return 'zip';
  if (hasAt(firstBytes, GZIP_SIGNATURE, 0)) return 'gzip';
  if (hasAt(firstBytes, TAR_MAGIC, TAR_MAGIC_OFFSET) || hasTarChecksum(firstBytes)) return 'tar';
  return undefined;
}

function hasAt(bytes: Buffer, expected: Buffer, offset: number): boolean {
  return bytes.subarray(offset, offset + expected.length).equals(expected);
}

/**
 * Whether the bytes are a TAR header of before POSIX, which has no magic: its checksum is the sum of
 * the header's bytes, the checksum's own counted as spaces, in octal digits.
 */
function hasTarChecksum(bytes: Buffer): boolean {
  if (bytes.length < DETECT_BYTES) return false;
  const checksumEnd = TAR_CHECKSUM_OFFSET + TAR_CHECKSUM_LENGTH;
  const field = bytes.toString('latin1', TAR_CHECKSUM_OFFSET, checksumEnd);
  const digits = /^ *([0-7]+)[ \0]/.exec(field)?.[1];
  if (digits === undefined) return false;
  const header = Buffer.from(bytes.subarray(0, DETECT_BYTES));
  header.fill(' ', TAR_CHECKSUM_OFFSET, checksumEnd);
  const sum = header.reduce((total, byte) => total + byte, 0);
  return sum === Number.parseInt(digits, 8);
}
