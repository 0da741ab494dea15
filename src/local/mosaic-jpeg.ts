/** A picture of square tiles, each of one colour. */
export interface Mosaic {
  /** Tiles across and down. */
  readonly width: number;
  readonly height: number;
  /** Y, Cb and Cr of each tile (JFIF's YCbCr, 0 to 255), row by row. */
  readonly colours: Uint8Array;
}

/** A tile is one block of the DCT. In pixels. */
const TILE_SIZE = 8;

/** Start of image, and a JFIF 1.1 header without a thumbnail (JFIF 1.02). */
const FILE_HEADER = Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex');
const END_OF_IMAGE = Buffer.from('ffd9', 'hex');

/** The second bytes of markers, ITU-T T.81 table B.1. */
const SOF0 = 0xc0;
const DHT = 0xc4;
const SOS = 0xda;
const DQT = 0xdb;
const APP15 = 0xef;

/** A marker and a length, in bytes; the length is a 16-bit field that counts itself (T.81 B.1.1.4). */
const SEGMENT_HEADER_BYTES = 4;
const MAX_SEGMENT_BYTES = 2 + 0xffff;

/** With this quantum a block's DC level is its tile's value less 128 (T.81 A.3.1, A.3.3, A.3.4). */
const DC_QUANTUM = 8;
const MIDDLE_LEVEL = 128;

/** Differences of two levels have 0 to 8 bits (T.81 table F.1); a code of 4 bits says how many. */
const DC_CLASSES = [0, 1, 2, 3, 4, 5, 6, 7, 8];
const DC_CODE_BITS = 4;

/** More than the scan takes for a tile: three blocks of 13 bits, each byte of them stuffed. */
const MAX_TILE_BYTES = 10;

/**
 * A baseline JPEG (ITU-T T.81) of a mosaic. A block of one colour is a DC level and an end of block,
 * so that no transform is needed and a picture takes microseconds.
 */
export function encodeMosaic({ width, height, colours }: Mosaic): Buffer {
  const components = [1, 2, 3];
  return Buffer.concat([
    FILE_HEADER,
    segment(DQT, [0, ...Array<number>(64).fill(DC_QUANTUM)]),
    segment(SOF0, [
      8, // bits a sample
      ...bigEndian16(height * TILE_SIZE),
      ...bigEndian16(width * TILE_SIZE),
      components.length,
      ...components.flatMap((component) => [component, 0x11, 0]),
    ]),
    // The codes of the one DC table are the classes themselves, and the one AC code is 0, an end of block.
    segment(DHT, [0x00, ...codeCounts(DC_CODE_BITS, DC_CLASSES.length), ...DC_CLASSES]),
    segment(DHT, [0x10, ...codeCounts(1, 1), 0x00]),
    segment(SOS, [
      components.length,
      ...components.flatMap((component) => [component, 0]),
      0,
      63,
      0,
    ]),
    encodeScan(colours),
    END_OF_IMAGE,
  ]);
}

/** The size in bytes that `padJpeg` brings a JPEG of `length` bytes to. */
export function paddedLength(length: number, target: number): number {
  return target - length < SEGMENT_HEADER_BYTES ? length : target;
}

/**
 * A JPEG of `encodeMosaic` that is `target` bytes long, filled up with application segments that
 * decoders skip; as it is where there is no room for one. `fill` gives the bytes of a segment.
 */
export function padJpeg(jpeg: Buffer, target: number, fill: (length: number) => Buffer): Buffer {
  const padding = paddedLength(jpeg.length, target) - jpeg.length;
  const count = Math.ceil(padding / MAX_SEGMENT_BYTES);
  const pieces = [jpeg.subarray(0, FILE_HEADER.length)];
  let left = padding;
  for (let index = count; index > 0; index--) {
    // An even split, because a short rest could be shorter than a segment's header.
    const length = Math.ceil(left / index);
    const data = fill(length - SEGMENT_HEADER_BYTES);
    pieces.push(segmentHeader(APP15, data.length), data);
    left -= length;
  }
  pieces.push(jpeg.subarray(FILE_HEADER.length));
  return Buffer.concat(pieces);
}

/** The entropy-coded data, T.81 F.1.2.1 and F.1.2.3: for each tile three DC differences. */
function encodeScan(colours: Uint8Array): Buffer {
  const scan = Buffer.allocUnsafe((colours.length / 3) * MAX_TILE_BYTES + 2);
  let length = 0;
  let bits = 0;
  let bitCount = 0;
  for (let index = 0; index < colours.length; index++) {
    const before = index < 3 ? MIDDLE_LEVEL : (colours[index - 3] ?? 0);
    const difference = (colours[index] ?? 0) - before;
    const size = 32 - Math.clz32(Math.abs(difference));
    const magnitude = difference < 0 ? difference + (1 << size) - 1 : difference;
    // The class, the magnitude's bits, and a 0 that ends the block.
    bits = (bits << (DC_CODE_BITS + size + 1)) | (((size << size) | magnitude) << 1);
    bitCount += DC_CODE_BITS + size + 1;
    while (bitCount >= 8) {
      bitCount -= 8;
      const byte = (bits >> bitCount) & 0xff;
      scan[length++] = byte;
      if (byte === 0xff) scan[length++] = 0; // stuffed, so that it is no marker
    }
    bits &= (1 << bitCount) - 1;
  }
  if (bitCount > 0) {
    const filled = ((bits + 1) << (8 - bitCount)) - 1; // with ones
    scan[length++] = filled;
    if (filled === 0xff) scan[length++] = 0;
  }
  return scan.subarray(0, length);
}

function segment(marker: number, data: readonly number[]): Buffer {
  return Buffer.concat([segmentHeader(marker, data.length), Buffer.from(data)]);
}

function segmentHeader(marker: number, dataLength: number): Buffer {
  return Buffer.from([0xff, marker, ...bigEndian16(dataLength + 2)]);
}

/** How many codes there are of each length from 1 to 16 bits, T.81 B.2.4.2. */
function codeCounts(codeBits: number, codes: number): number[] {
  return Array.from({ length: 16 }, (_, index) => (index + 1 === codeBits ? codes : 0));
}

function bigEndian16(value: number): [number, number] {
  return [value >> 8, value & 0xff];
}
