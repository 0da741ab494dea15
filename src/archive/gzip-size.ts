/** ISIZE counts modulo this (RFC 1952 section 2.3.1). */
const ISIZE_MODULUS = 2 ** 32;

/**
 * The most by which deflate makes bytes longer that it can't compress: a stored block of 16 KiB costs
 * 5 bytes (RFC 1951 section 3.2.4), some writers store less in one.
 */
const MAX_EXPANSION = 1 / 1000;

/** Bytes around the data of a member: header, a file name of 255 bytes, CRC-32, ISIZE, an empty block. */
const MEMBER_BYTES = 10 + 256 + 8 + 5;

/**
 * About how many bytes a gzip file gives, for the check whether a disk has room for them, and for
 * nothing else. It is the smallest size that ends in ISIZE and is not below what such a file can come
 * from; one that compresses well to over 4 GiB, or has several members, may give more.
 *
 * @param compressedSize bytes of the file
 * @param isize the last four bytes of the file, an unsigned integer in little-endian order: bytes of
 *   the last member, modulo 2^32
 */
export function estimatedInflatedSize(compressedSize: number, isize: number): number {
  const least = (compressedSize - MEMBER_BYTES) / (1 + MAX_EXPANSION);
  const wraps = Math.max(0, Math.ceil((least - isize) / ISIZE_MODULUS));
  return isize + wraps * ISIZE_MODULUS;
}
