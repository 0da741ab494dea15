import { hasBlockCodes } from './deflate-codes.ts';

/** Where a block may begin. */
export interface BlockStart {
  /** Index of the byte that holds the block's first bit. */
  readonly byte: number;
  /** That bit, counted from the least significant: 0 to 7. */
  readonly bit: number;
}

/** BFINAL 0 and BTYPE 10, from the least significant bit (RFC 1951 section 3.2.3). */
const DYNAMIC_BITS = 0b100;

/** The highest bits of a byte, where BFINAL 0 and BTYPE 00 stand if the next byte begins LEN. */
const STORED_BITS = 0b11100000;
const STORED_START = 5;

/** Bytes that are read at a place, at most, before `hasBlockCodes` looks at how many there are. */
const READ_BYTES = 5;

/** Where in a byte `DYNAMIC_BITS` begin, as a set of bits, by the byte and the two bits behind it. */
const DYNAMIC_STARTS = Uint8Array.from({ length: 1 << 10 }, (_, bits) => {
  let starts = 0;
  for (let bit = 0; bit < 8; bit += 1) {
    if (((bits >> bit) & 7) === DYNAMIC_BITS) starts |= 1 << bit;
  }
  return starts;
});

/**
 * Finds the first place in the bytes up to, not including, `end` where a block that is not the last
 * seems to begin: one whose codes are flawless (BTYPE 10), or a stored one (BTYPE 00), which states its
 * length twice. A block with fixed codes has nothing to be known by. The header must lie in `bytes`,
 * with 4 bytes to spare.
 *
 * What seems to be a block need not be one: one in 500,000 places of random bytes seems to begin a
 * stored block, and data that is stored may hold deflate streams.
 *
 * A stored block's place is the last one that its header can have, right before its length. Where the
 * header does stand earlier, those bits are zero all the same: the padding behind it (section 3.2.4).
 */
export function findBlock(bytes: Buffer, end: number): BlockStart | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const last = Math.min(end, bytes.length - READ_BYTES + 1);
  for (let byte = 0; byte < last; byte += 1) {
    const bits = view.getUint32(byte, true);
    if ((bits & STORED_BITS) === 0 && isStoredLength(view.getUint32(byte + 1, true))) {
      return { byte, bit: STORED_START };
    }
    for (let starts = DYNAMIC_STARTS[bits & 0x3ff] ?? 0; starts !== 0; starts &= starts - 1) {
      const bit = 31 - Math.clz32(starts & -starts);
      if (hasBlockCodes(view, 8 * byte + bit + 3)) return { byte, bit };
    }
  }
  return undefined;
}

/** Whether these are LEN and NLEN, its complement (section 3.2.4). */
function isStoredLength(lengths: number): boolean {
  return ((lengths ^ (lengths >>> 16)) & 0xffff) === 0xffff;
}
