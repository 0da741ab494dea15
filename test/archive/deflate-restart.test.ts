import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { restartBytes } from '../../src/archive/deflate-restart.ts';
import { bitsOf, packBits, text } from '../support/gzip-cases.ts';

const PAYLOAD = text(20_000);

/** Streams of the payload as bits, by where in a byte they begin. */
const STREAMS: Record<string, (bitOffset: number) => string> = {
  // The length stands at the next border between bytes, wherever the three bits of the header do.
  'a stored block': (bitOffset) =>
    '100'.padEnd(3 + ((13 - bitOffset) % 8), '0') +
    bitsOf(deflateRawSync(PAYLOAD, { level: 0 }).subarray(1)),
  'a block with fixed codes': () =>
    bitsOf(deflateRawSync(PAYLOAD, { strategy: constants.Z_FIXED })),
  'a block with codes of its own': () => bitsOf(deflateRawSync(PAYLOAD)),
  'a block that refers to the output before': () =>
    bitsOf(deflateRawSync(PAYLOAD, { dictionary: PAYLOAD })),
};

describe.each(Object.entries(STREAMS))('%s', (_, bitsFrom) => {
  test.each([0, 1, 2, 3, 4, 5, 6, 7])('is taken up at bit %i of a byte', (bitOffset) => {
    const bytes = packBits('1'.repeat(bitOffset) + bitsFrom(bitOffset));
    const restart = restartBytes(bytes.readUInt8(), bitOffset);
    const output = inflateRawSync(Buffer.concat([restart, bytes.subarray(1)]), {
      dictionary: PAYLOAD,
    });
    expect(output.equals(PAYLOAD)).toBe(true);
  });
});

test('a whole byte is given as it is', () => {
  expect(restartBytes(0xa5, 0)).toEqual(Buffer.from([0xa5]));
});

test('a byte has eight bits', () => {
  expect(() => restartBytes(0, 8)).toThrow('Expected a bit offset of 0 to 7, got 8');
});
