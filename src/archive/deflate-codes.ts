/** How many code lengths a block may state: of literals and lengths, and of distances (RFC 1951 3.2.5). */
const MAX_LITERALS = 286;
const MAX_DISTANCES = 30;

/** The literal that ends a block; every block needs a code for it. */
const END_OF_BLOCK = 256;

/** HLIT, HDIST and HCLEN, section 3.2.7. In bits. */
const SIZES_BITS = 14;

/** The order of the code length code lengths, of 3 bits each (section 3.2.7). */
const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15] as const;

/** Bits of the longest code of the code length code, and of the other two. */
const MAX_LENGTH_BITS = 7;
const MAX_CODE_BITS = 15;

/** `bitsAt` reads so many bytes. */
const READ_BYTES = 4;

/**
 * Bytes that hold the header of any block, whichever bit it begins with: 3 bits, the sizes, 19 lengths
 * of 3 bits and 316 code lengths of 7 bits, and what is read beyond.
 */
export const MAX_HEADER_BYTES = 300;

/** How much of all codes of `maxBits` a code of `length` bits takes; none has 0 bits. */
function shareOf(length: number, maxBits: number): number {
  return length === 0 ? 0 : 1 << (maxBits - length);
}

/** What four code length code lengths take together, by their 12 bits. */
const SHARE_OF_FOUR = Uint16Array.from({ length: 1 << 12 }, (_, four) =>
  [0, 3, 6, 9].reduce((sum, shift) => sum + shareOf((four >> shift) & 7, MAX_LENGTH_BITS), 0),
);

/** The numbers of 7 bits with their bits in the opposite order: codes stand so in the stream. */
const TURNED = Uint8Array.from({ length: 1 << MAX_LENGTH_BITS }, (_, bits) =>
  Number.parseInt([...bits.toString(2).padStart(MAX_LENGTH_BITS, '0')].reverse().join(''), 2),
);

/** By the next 7 bits: the code length symbol times 8, and its code's length. Refilled for each header. */
const lengthDecoder = new Uint8Array(1 << MAX_LENGTH_BITS);

/** What was read last: a search reads too many to make arrays for each. */
const lengthsOfSymbols = new Uint8Array(LENGTH_ORDER.length);
const codeLengths = new Uint8Array(MAX_LITERALS + MAX_DISTANCES);

/**
 * Whether the codes of a block (RFC 1951 section 3.2.7) stand at a bit of `view`, behind BFINAL and
 * BTYPE, and are as zlib accepts them: a complete code length code, a complete literal code with an
 * end of block, and a distance code that is complete, or has one code of one bit, or none. They must
 * end 4 bytes before the end of `view`.
 */
export function hasBlockCodes(view: DataView, position: number): boolean {
  const lastPosition = 8 * (view.byteLength - READ_BYTES);
  if (position + SIZES_BITS + 3 * LENGTH_ORDER.length > lastPosition) return false;

  const sizes = bitsAt(view, position);
  const literals = (sizes & 0x1f) + 257;
  const all = literals + ((sizes >>> 5) & 0x1f) + 1;
  const lengths = ((sizes >>> 10) & 0x0f) + 4;
  if (literals > MAX_LITERALS || all > literals + MAX_DISTANCES) return false;

  const start = position + SIZES_BITS;
  return (
    hasCompleteLengthCode(view, start, lengths) &&
    readCodeLengths(view, start, lengths, all) &&
    codeLengths[END_OF_BLOCK] !== 0 &&
    isCompleteCode(0, literals) &&
    (isCompleteCode(literals, all) || isOneBitCode(literals, all))
  );
}

/** Most bits that are no header fail here, so it is made quick: four lengths at a time. */
function hasCompleteLengthCode(view: DataView, start: number, lengths: number): boolean {
  let share = 0;
  for (let index = 0; index < lengths; index += 4) {
    const bits = 3 * Math.min(4, lengths - index);
    share += SHARE_OF_FOUR[bitsAt(view, start + 3 * index) & ((1 << bits) - 1)] ?? 0;
  }
  return share === 1 << MAX_LENGTH_BITS;
}

/** Reads `count` code lengths into `codeLengths`; false where they can't be that. */
function readCodeLengths(view: DataView, start: number, lengths: number, count: number): boolean {
  fillLengthDecoder(view, start, lengths);
  const lastPosition = 8 * (view.byteLength - READ_BYTES);
  let position = start + 3 * lengths;
  let filled = 0;
  while (filled < count) {
    if (position > lastPosition) return false;
    const bits = bitsAt(view, position);
    const entry = lengthDecoder[bits & (lengthDecoder.length - 1)] ?? 0;
    const symbol = entry >> 3;
    position += entry & 7;
    if (symbol < 16) {
      codeLengths[filled] = symbol;
      filled += 1;
      continue;
    }
    // 16 repeats the length before 3 to 6 times, 17 is 3 to 10 zeros, 18 is 11 to 138 zeros.
    if (symbol === 16 && filled === 0) return false;
    const extraBits = symbol === 16 ? 2 : symbol === 17 ? 3 : 7;
    const extra = (bits >>> (entry & 7)) & ((1 << extraBits) - 1);
    const end = filled + extra + (symbol === 18 ? 11 : 3);
    if (end > count) return false;
    codeLengths.fill(symbol === 16 ? (codeLengths[filled - 1] ?? 0) : 0, filled, end);
    position += extraBits;
    filled = end;
  }
  return true;
}

/**
 * Fills `lengthDecoder`. Codes go up with their length and their symbol (section 3.2.2), so written to
 * 7 bits with all that may follow them, those of a complete code are the numbers from 0 to 127.
 */
function fillLengthDecoder(view: DataView, start: number, lengths: number): void {
  lengthsOfSymbols.fill(0);
  for (let index = 0; index < lengths; index += 1) {
    lengthsOfSymbols[LENGTH_ORDER[index] ?? 0] = bitsAt(view, start + 3 * index) & 7;
  }
  let filled = 0;
  for (let length = 1; length <= MAX_LENGTH_BITS; length += 1) {
    for (let symbol = 0; symbol < lengthsOfSymbols.length; symbol += 1) {
      if (lengthsOfSymbols[symbol] !== length) continue;
      const end = filled + shareOf(length, MAX_LENGTH_BITS);
      for (; filled < end; filled += 1) lengthDecoder[TURNED[filled] ?? 0] = symbol * 8 + length;
    }
  }
}

/** Whether the codes of some of `codeLengths` take all there is: neither too many nor too few. */
function isCompleteCode(start: number, end: number): boolean {
  let share = 0;
  for (let index = start; index < end; index += 1) {
    share += shareOf(codeLengths[index] ?? 0, MAX_CODE_BITS);
  }
  return share === 1 << MAX_CODE_BITS;
}

/** Whether some of `codeLengths` have a single code, of one bit, or none. */
function isOneBitCode(start: number, end: number): boolean {
  let sum = 0;
  for (let index = start; index < end; index += 1) sum += codeLengths[index] ?? 0;
  return sum <= 1;
}

/** The bits from `position` on, 25 or more, the first one lowest. */
function bitsAt(view: DataView, position: number): number {
  return view.getUint32(position >>> 3, true) >>> (position & 7);
}
