import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hashKey, KeySum, totalKeySum } from '../../src/items/key-sum.ts';

const WORD = 2n ** 32n;

const key = fc.string({ unit: 'grapheme', maxLength: 20 });
const keys = fc.array(key, { maxLength: 40 });
const word = fc.oneof(
  fc.integer({ min: 0, max: 0xffff_ffff }),
  fc.constantFrom(0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff),
);
const words = fc.tuple(word, word);

function sumOf(all: readonly string[]): string {
  const sum = new KeySum();
  for (const one of all) sum.add(hashKey(one));
  return sum.toString();
}

describe('a key sum', () => {
  test('is the same in whatever order the keys come', () => {
    const shuffled = keys.chain((all) =>
      fc.tuple(
        fc.constant(all),
        fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length }),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([all, permuted]) => {
        expect(sumOf(permuted)).toBe(sumOf(all));
      }),
    );
  });

  test('changes where a key is added, taken away, doubled or replaced by another', () => {
    fc.assert(
      fc.property(keys, key, key, (others, one, other) => {
        const sum = sumOf([...others, one]);
        expect(sum).not.toBe(sumOf(others));
        expect(sum).not.toBe(sumOf([...others, one, one]));
        if (one !== other) expect(sum).not.toBe(sumOf([...others, other]));
      }),
    );
  });

  test('of everything is the sum of the sums of its parts', () => {
    fc.assert(
      fc.property(fc.array(keys, { maxLength: 10 }), (parts) => {
        expect(totalKeySum(parts.map(sumOf))).toBe(sumOf(parts.flat()));
      }),
    );
  });

  test('goes on from what is written of it', () => {
    fc.assert(
      fc.property(keys, keys, (before, after) => {
        const resumed = new KeySum(sumOf(before));
        expect(resumed.toString()).toBe(sumOf(before));
        for (const one of after) resumed.add(hashKey(one));
        expect(resumed.toString()).toBe(sumOf([...before, ...after]));
      }),
    );
  });

  test('is exact modulo 2^64, carries between its words included', () => {
    fc.assert(
      fc.property(fc.array(words, { maxLength: 20 }), (all) => {
        const sum = new KeySum();
        for (const [high, low] of all) sum.addWords(high, low);
        const expected = all.reduce(
          (total, [high, low]) => total + BigInt(high) * WORD + BigInt(low),
          0n,
        );
        expect(sum.toString()).toBe(BigInt.asUintN(64, expected).toString(16).padStart(16, '0'));
      }),
    );
  });

  test('of nothing is 16 zeros', () => {
    expect(new KeySum().toString()).toBe('0000000000000000');
    expect(totalKeySum([])).toBe('0000000000000000');
  });
});

describe('the hashes of keys', () => {
  test.each([
    ['numbered ids', (index: number) => `item-${index}`],
    ['padded ids', (index: number) => String(index).padStart(12, '0')],
    ['long ids that differ in their beginning', (index: number) => `${index}${'x'.repeat(100)}`],
    ['ids of a single repeated letter', (index: number) => 'a'.repeat(index % 500) + index],
  ])('differ for 100,000 %s', (_, idOf) => {
    const hashes = Array.from({ length: 100_000 }, (_, index) => {
      const { high, low } = hashKey(idOf(index));
      return high * 2 ** 21 + (low >>> 11);
    });
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  test('have words of 32 bits without a sign', () => {
    fc.assert(
      fc.property(key, (one) => {
        const { high, low } = hashKey(one);
        for (const part of [high, low]) expect(part).toBe(part >>> 0);
      }),
    );
  });

  test('spread evenly over both words', () => {
    const buckets = { high: new Uint32Array(256), low: new Uint32Array(256) };
    for (let index = 0; index < 100_000; index++) {
      const { high, low } = hashKey(`item-${index}`);
      for (const [counts, part] of [
        [buckets.high, high],
        [buckets.low, low],
      ] as const) {
        counts[part >>> 24] = (counts[part >>> 24] as number) + 1;
      }
    }
    // 391 in each on average; ten standard deviations are 198.
    for (const counts of [buckets.high, buckets.low]) {
      expect(Math.min(...counts)).toBeGreaterThan(193);
      expect(Math.max(...counts)).toBeLessThan(589);
    }
  });
});
