import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { findBlock } from '../../src/archive/deflate-blocks.ts';
import { MAX_HEADER_BYTES } from '../../src/archive/deflate-codes.ts';
import { bitsOf, noise, packBits, text } from '../support/gzip-cases.ts';

/** In ones no block begins: they are a block type that there isn't. */
const ONES = 40;

/** Bits behind many ones. */
function behindOnes(bits: string, bitOffset = 0): Buffer {
  return packBits('1'.repeat(8 * ONES + bitOffset) + bits);
}

function find(bytes: Buffer) {
  return findBlock(bytes, bytes.length);
}

const DYNAMIC = bitsOf(deflateRawSync(text(200_000)).subarray(0, 2 * MAX_HEADER_BYTES));
const STORED = bitsOf(deflateRawSync(noise(70_000), { level: 0 }).subarray(0, 100));

describe.each([0, 1, 2, 3, 4, 5, 6, 7])('at bit %i of a byte', (bit) => {
  test('a block with codes of its own is found', () => {
    expect(find(behindOnes(DYNAMIC, bit))).toEqual({ byte: ONES, bit });
  });

  test('a stored block is found at the byte before its length', () => {
    const padding = '0'.repeat((13 - bit) % 8);
    const bytes = behindOnes(`000${padding}${STORED.slice(8)}`, bit);
    expect(find(bytes)).toEqual({ byte: ONES + (bit > 5 ? 1 : 0), bit: 5 });
  });

  test('the last block, with codes of its own, is not found', () => {
    expect(find(behindOnes(`1${DYNAMIC.slice(1)}`, bit))).toBeUndefined();
  });
});

test('an empty stored block, as a flush leaves, is found', () => {
  expect(find(behindOnes(bitsOf(Buffer.from('000000ffff', 'hex')).padEnd(200, '1')))).toEqual({
    byte: ONES,
    bit: 5,
  });
});

test.each([
  ['a length whose complement is wrong', '000100feef'],
  ['a length behind bits that are not zero', '200100feff'],
])('%s begins no block', (_, hex) => {
  expect(find(behindOnes(bitsOf(Buffer.from(hex, 'hex')).padEnd(200, '1')))).toBeUndefined();
});

test('a block that begins behind the end is not looked for', () => {
  const bytes = behindOnes(DYNAMIC);
  expect(findBlock(bytes, ONES)).toBeUndefined();
  expect(findBlock(bytes, ONES + 1)).toEqual({ byte: ONES, bit: 0 });
});

test('a header that is cut off is not found, wherever it is', () => {
  const stored = behindOnes(STORED);
  const lengthsEnd = ONES + 5;
  expect(find(stored.subarray(0, lengthsEnd))).toEqual({ byte: ONES, bit: 5 });
  for (let end = 0; end < lengthsEnd; end += 1) {
    expect(find(stored.subarray(0, end))).toBeUndefined();
  }
  const dynamic = behindOnes(DYNAMIC);
  for (let end = 0; end < ONES + 40; end += 1) {
    expect(find(dynamic.subarray(0, end))).toBeUndefined();
  }
  expect(find(dynamic.subarray(0, ONES + MAX_HEADER_BYTES))).toEqual({ byte: ONES, bit: 0 });
});
