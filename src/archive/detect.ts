import { BLOCK_BYTES, hasTarChecksum } from './tar-header.ts';

/** The kinds of archive that a split reads; `gzip` is a TAR.GZ once it is inflated. */
export type Container = 'zip' | 'gzip' | 'tar';

/** How many first bytes `detectContainer` wants: a TAR header. Fewer will do for the others. */
export const DETECT_BYTES = BLOCK_BYTES;

/** A local file header (APPNOTE.TXT 4.3.7), or the end record of a ZIP without entries (4.3.16). */
const ZIP_SIGNATURES = [Buffer.from('PK\x03\x04'), Buffer.from('PK\x05\x06')];

/** ID1 and ID2, RFC 1952 section 2.3.1. */
const GZIP_SIGNATURE = Buffer.from([0x1f, 0x8b]);

/** In a TAR header, POSIX.1-2017 pax, "ustar Interchange Format"; older ones have a checksum only. */
const TAR_MAGIC = Buffer.from('ustar');
const TAR_MAGIC_OFFSET = 257;

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
