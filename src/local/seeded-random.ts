import { type Cipheriv, createCipheriv } from 'node:crypto';

/** Numbers and bytes that are the same for the same seed and stream, on every machine. */
export interface SeededRandom {
  /** An integer from 0 up to, not including, `limit`. */
  integer(limit: number): number;
  /** One of `values`. */
  pick<const T extends readonly [unknown, ...unknown[]]>(values: T): T[number];
  /** `length` bytes that no compressor makes smaller, at over 1 GB/s where the CPU has AES. */
  bytes(length: number): Buffer;
}

/** Key and counter block of AES-128. In bytes. */
const BLOCK_BYTES = 16;

/**
 * A source of random values; seed and stream are 32-bit integers. Not for secrets. Integers come from
 * Mulberry32, a few operations each; bytes are the key stream of AES-CTR, whose cipher is made when
 * the first are asked for, because it weighs some kilobytes.
 */
export function seededRandom(seed: number, stream: number): SeededRandom {
  let state = Math.imul(seed, 0x9e3779b1) ^ Math.imul(stream, 0x85ebca6b);
  let cipher: Cipheriv | undefined;
  const integer = (limit: number) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
  return {
    integer,
    pick: (values) => values[integer(values.length)],
    bytes: (length) => {
      cipher ??= createCipheriv('aes-128-ctr', block(seed), block(stream));
      return cipher.update(Buffer.alloc(length));
    },
  };
}

function block(value: number): Buffer {
  const bytes = Buffer.alloc(BLOCK_BYTES);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}
