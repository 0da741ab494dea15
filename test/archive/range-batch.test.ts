import { expect, test } from 'vitest';
import { readRanges } from '../../src/archive/range-batch.ts';
import { countingReader } from '../support/zip-fixtures.ts';

const MIB = 1024 * 1024;
const BYTES = Buffer.alloc(8 * MIB).map((_, index) => (index >>> 4) & 255) as Buffer;

test('the bytes come in the order of the ranges, whatever theirs is', async () => {
  const ranges = [
    { start: 3 * MIB, end: 3 * MIB + 10 },
    { start: 0, end: 5 },
    { start: 3, end: 40 },
    { start: 7, end: 7 },
  ];
  const reader = countingReader(BYTES);
  expect(await readRanges(reader, ranges)).toEqual(
    ranges.map(({ start, end }) => BYTES.subarray(start, end)),
  );
  expect(reader.reads).toEqual([
    [0, 40],
    [3 * MIB, 3 * MIB + 10],
  ]);
});

test('no range, or empty ones, take no read', async () => {
  const reader = countingReader(BYTES);
  expect(await readRanges(reader, [])).toEqual([]);
  expect(await readRanges(reader, [{ start: 9, end: 9 }])).toEqual([Buffer.alloc(0)]);
  expect(reader.reads).toEqual([]);
});

test('neighbours share a read of up to 1 MiB', async () => {
  const ranges = Array.from({ length: 80 }, (_, index) => ({
    start: index * 65_536,
    end: index * 65_536 + 30,
  }));
  const reader = countingReader(BYTES);
  await readRanges(reader, ranges);
  expect(reader.reads).toHaveLength(5);
});

test('at most 8 reads are open, and after an error no more are made', async () => {
  const ranges = Array.from({ length: 100 }, (_, index) => ({
    start: index * MIB,
    end: index * MIB + 1,
  }));
  let open = 0;
  let started = 0;
  const reader = {
    size: 100 * MIB,
    async read() {
      started += 1;
      open += 1;
      expect(open).toBeLessThanOrEqual(8);
      await new Promise((resolve) => setImmediate(resolve));
      open -= 1;
      if (started === 16) throw new Error('SlowDown');
      return Buffer.alloc(1);
    },
  };
  await expect(readRanges(reader, ranges)).rejects.toThrow('SlowDown');
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(started).toBeLessThan(32);
});
