import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasBlockCodes, MAX_HEADER_BYTES } from '../../src/archive/deflate-codes.ts';
import { bitsOf, noise, packBits, text } from '../support/gzip-cases.ts';

/** BFINAL 0 and BTYPE 10, in the order of the stream. */
const DYNAMIC = '001';

/** A complete code: one code of each length, and two of the last. */
const COMPLETE = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 15];

interface Codes {
  /** The last ones, up to the end of block; the ones before are 0. */
  readonly literals?: readonly number[];
  readonly distances?: readonly number[];
}

/**
 * The header of a block with these code lengths behind BFINAL and BTYPE, each written out with a code
 * of 4 bits: the one way of many that needs no repeats.
 */
function craftCodes({ literals = COMPLETE, distances = COMPLETE }: Codes): string {
  const lengths = [...new Array<number>(257 - literals.length).fill(0), ...literals, ...distances];
  // Of the 19 symbols 16, 17 and 18, which repeat, have no code.
  const lengthCode = '000'.repeat(3) + '001'.repeat(16);
  const codes = lengths.map((length) => length.toString(2).padStart(4, '0'));
  return `00000${number(distances.length - 1, 5)}1111${lengthCode}${codes.join('')}`;
}

/** A number, its least significant bit first. */
function number(value: number, bits: number): string {
  return [...value.toString(2).padStart(bits, '0')].reverse().join('');
}

function has(bits: string, position = 0): boolean {
  const bytes = packBits(bits + '1'.repeat(64));
  return hasBlockCodes(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), position);
}

/** Whether zlib finds no fault with the header of a block; the bits behind it are another matter. */
function zlibAccepts(bits: string): boolean {
  const bytes = packBits(DYNAMIC + bits);
  // A fault of the header is found before there is output, and one of a later block's header after.
  for (let length = 1; length <= bytes.length; length += 1) {
    try {
      const piece = bytes.subarray(0, length);
      if (inflateRawSync(piece, { finishFlush: constants.Z_SYNC_FLUSH }).length > 0) return true;
    } catch (error) {
      return !/lengths set|length repeat|distances set|symbols|end-of-block/.test(
        (error as Error).message,
      );
    }
  }
  return true;
}

const REAL = bitsOf(deflateRawSync(text(60_000))).slice(3, 8 * MAX_HEADER_BYTES);

describe('the codes of a block', () => {
  test.each([0, 1, 2, 3, 4, 5, 6, 7])('are known behind %i bits', (position) => {
    expect(has('1'.repeat(position) + REAL, position)).toBe(true);
  });

  test.each<[string, Codes]>([
    ['complete', {}],
    ['a single distance code, of one bit', { distances: [1] }],
    ['a distance code with one of one bit among others', { distances: [0, 1, 0] }],
    ['no distance code', { distances: [0] }],
    ['30 distance codes', { distances: [...COMPLETE, ...new Array<number>(14).fill(0)] }],
  ])('%s: accepted, as by zlib', (_, codes) => {
    expect(zlibAccepts(craftCodes(codes))).toBe(true);
    expect(has(craftCodes(codes))).toBe(true);
  });

  test.each<[string, string]>([
    ['too few literal codes', craftCodes({ literals: [2, 2, 2] })],
    ['too many literal codes', craftCodes({ literals: [1, 1, 1] })],
    ['no end of block', craftCodes({ literals: [1, 1, 0] })],
    ['a single distance code, of two bits', craftCodes({ distances: [2] })],
    ['too few distance codes', craftCodes({ distances: [2, 2, 2] })],
    ['too many distance codes', craftCodes({ distances: [1, 1, 1] })],
    ['31 distances', craftCodes({ distances: [...COMPLETE, ...new Array<number>(15).fill(0)] })],
    ['287 literals', `${number(30, 5)}${craftCodes({}).slice(5)}`],
    ['a code length code with too few codes', `0000000000${number(0, 4)}001000000000`],
    ['a code length code with too many codes', `0000000000${number(0, 4)}100100100000`],
    // 16 is 0, 17 is 1: the first one has nothing to repeat.
    ['a repeat of nothing', `0000000000${number(0, 4)}100100000000${'0'.repeat(200)}`],
    // 17 is 0, 18 is 1: two runs of 138 zeros are more than 258 lengths.
    ['a repeat beyond the end', `0000000000${number(0, 4)}000100100000${'1'.repeat(200)}`],
  ])('%s: refused, as by zlib', (_, bits) => {
    expect(zlibAccepts(bits)).toBe(false);
    expect(has(bits)).toBe(false);
  });

  test('are not looked for beyond the bytes', () => {
    const bits = craftCodes({});
    for (let length = 0; length < bits.length; length += 8) {
      const bytes = packBits(bits.slice(0, length));
      expect(hasBlockCodes(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0)).toBe(
        false,
      );
    }
  });
});

test('a changed header is judged as zlib judges it', () => {
  const headers = [
    REAL,
    bitsOf(deflateRawSync(noise(60_000).map((byte) => byte & 0x7f))).slice(3, 8 * MAX_HEADER_BYTES),
    craftCodes({}),
    craftCodes({ distances: [1] }),
  ];
  let accepted = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...headers),
      fc.array(fc.nat(900), { minLength: 1, maxLength: 2 }),
      (header, positions) => {
        const bits = [...header, ...'1'.repeat(8 * MAX_HEADER_BYTES)];
        for (const at of positions)
          bits[at % header.length] = bits[at % header.length] === '0' ? '1' : '0';
        const verdict = zlibAccepts(bits.join(''));
        expect(has(bits.join(''))).toBe(verdict);
        if (verdict) accepted += 1;
      },
    ),
    { numRuns: 1000 },
  );
  // Changes of literal codes keep them valid now and then only; of extra bits behind, always.
  expect(accepted).toBeGreaterThan(10);
});
