import { describe, expect, test } from 'vitest';
import { BufferPool } from '../../src/archive/buffer-pool.ts';

const MIB = 1024 * 1024;

describe('BufferPool', () => {
  test('gives buffers of the wanted size, each to one taker at a time', () => {
    const pool = new BufferPool(64 * MIB);
    const [a, b] = [pool.take(5 * MIB + 1), pool.take(5 * MIB + 1)];

    expect(a.bytes).toHaveLength(5 * MIB + 1);
    expect(a.bytes.buffer).not.toBe(b.bytes.buffer);
  });

  test('gives a released buffer again, also for a size near its own', () => {
    const pool = new BufferPool(64 * MIB);
    const first = pool.take(5 * MIB);
    first.release();
    const second = pool.take(7 * MIB);

    expect(second.bytes.buffer).toBe(first.bytes.buffer);
    expect(second.bytes).toHaveLength(7 * MIB);
    expect(pool.take(7 * MIB).bytes.buffer).not.toBe(first.bytes.buffer);
  });

  test('keeps no more than it may', () => {
    const pool = new BufferPool(8 * MIB);
    const taken = Array.from({ length: 3 }, () => pool.take(4 * MIB));
    for (const { release } of taken) release();
    const kept = new Set(taken.slice(0, 2).map(({ bytes }) => bytes.buffer));
    const again = Array.from({ length: 3 }, () => pool.take(4 * MIB).bytes.buffer);

    expect(again.filter((buffer) => kept.has(buffer))).toHaveLength(2);
    expect(again).not.toContain(taken[2]?.bytes.buffer);
  });
});
