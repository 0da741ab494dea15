/** Bits of a deflate stream in their order: from the least significant of each byte (RFC 1951 3.1.1). */
type Bits = string;

/** An empty block with fixed codes, not the last one: BFINAL, BTYPE 01, end of block. 10 bits. */
const EMPTY_FIXED: Bits = ['0', '10', '0000000'].join('');

/**
 * An empty block with codes of its own, not the last one (RFC 1951 section 3.2.7). It states all 19
 * code length code lengths, so that it has an odd number of bits: 93.
 */
const EMPTY_DYNAMIC: Bits = [
  ['0', '01'], // BFINAL, BTYPE 10
  ['00000', '00000', '1111'], // HLIT, HDIST, HCLEN: 257 literals and lengths, 1 distance, 19 lengths
  // Of the 19 symbols, in the order 16, 17, 18, 0, ..., 1, 15, two have a code of one bit: 0 is 1, and
  // 1 is 18.
  ['000', '000', '100', '000'.repeat(14), '100', '000'],
  ['1', '1111111'], // 138 zeros, and
  ['1', '1101011'], // 118 zeros: the 256 literals have no code
  ['0', '0'], // the end of block and the distance have a code of one bit
  ['0'], // end of block
]
  .flat()
  .join('');

/** Bits before the one to restart from, by the place of that one in its byte. */
const PREFIXES: readonly Bits[] = Array.from({ length: 8 }, (_, bitOffset) => {
  let prefix = bitOffset % 2 === 0 ? '' : EMPTY_DYNAMIC;
  while (prefix.length % 8 !== bitOffset) prefix += EMPTY_FIXED;
  return prefix;
});

/**
 * What to give to raw inflate in place of a byte of which the lowest `bitOffset` bits (0 to 7) belong
 * to the block before, where a block begins with the next bit: the byte with empty blocks before its
 * other bits. Inflate gives no output for them and then stands where the block begins.
 */
export function restartBytes(byte: number, bitOffset: number): Buffer {
  const prefix = PREFIXES[bitOffset];
  if (prefix === undefined)
    throw new RangeError(`Expected a bit offset of 0 to 7, got ${bitOffset}`);
  const rest = Array.from({ length: 8 - bitOffset }, (_, bit) => (byte >> (bitOffset + bit)) & 1);
  return packBits(prefix + rest.join(''));
}

function packBits(bits: Bits): Buffer {
  const bytes = Buffer.alloc(bits.length / 8);
  for (const [index, bit] of [...bits].entries()) {
    bytes.writeUInt8(bytes.readUInt8(index >> 3) | (Number(bit) << (index & 7)), index >> 3);
  }
  return bytes;
}
