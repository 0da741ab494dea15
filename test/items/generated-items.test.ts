import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { generatedId, generatedItem, generatedItems } from '../../src/items/generated-items.ts';
import { type Item, idFlaw, MAX_VALUE, valueFlaw } from '../../src/items/item.ts';

const seeds = fc.integer({ min: 0, max: 2 ** 31 });

function make(seed: number, start: number, end: number): Item[] {
  return [...generatedItems(seed, start, end)].flat();
}

describe('generated items', () => {
  test('are the same for the same seed, and others for another', () => {
    fc.assert(
      fc.property(seeds, seeds, (seed, other) => {
        expect(make(seed, 0, 50)).toEqual(make(seed, 0, 50));
        if (seed === other) return;
        const ids = new Set(make(seed, 0, 50).map(({ id }) => id));
        expect(make(other, 0, 50).some(({ id }) => ids.has(id))).toBe(false);
        const values = make(seed, 0, 50).map(({ value }) => value);
        expect(make(other, 0, 50).map(({ value }) => value)).not.toEqual(values);
      }),
    );
  });

  test('of any stretch are those of the whole', () => {
    const whole = make(7, 0, 3500);
    const bounds = fc.integer({ min: 0, max: 3500 });
    fc.assert(
      fc.property(bounds, bounds, (start, end) => {
        expect(make(7, start, end)).toEqual(whole.slice(start, Math.max(start, end)));
      }),
    );
  });

  test('have ids of their own, and values that are allowed', () => {
    const items = make(3, 0, 50_000);
    expect(new Set(items.map(({ id }) => id)).size).toBe(items.length);
    expect(items.filter(({ id, value }) => idFlaw(id) ?? valueFlaw(value))).toEqual([]);
  });

  test('have every value from 0 to 1000, none much more often than others', () => {
    const counts = new Uint32Array(MAX_VALUE + 1);
    for (const { value } of make(3, 0, 50_000)) counts[value] = (counts[value] as number) + 1;
    // 50 of each on average; seven standard deviations are 49.
    expect(Math.min(...counts)).toBeGreaterThan(0);
    expect(Math.max(...counts)).toBeLessThan(100);
  });

  test('are the one of an index, by the id of that index', () => {
    const items = make(5, 998, 1003);
    expect(items).toEqual([998, 999, 1000, 1001, 1002].map((index) => generatedItem(5, index)));
    expect(items.map(({ id }) => id)).toEqual(
      [998, 999, 1000, 1001, 1002].map((index) => generatedId(5, index)),
    );
  });
});
