import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { capped } from '../../src/activities/capped.ts';
import { listUrls } from '../../src/activities/list-urls.ts';

const KIB = 1024;

/** SQS and Temporal take messages of a mebibyte and two; a list has a quarter of the smaller one. */
const MAX_LIST_BYTES = 256 * KIB;

describe('a list that a message carries', () => {
  test.each([
    ['nothing', []],
    ['what is short', ['a', 'b', 'c']],
    ['objects', [{ source: 's3://bucket/a', name: 'a (2)' }]],
  ])('is whole where it is %s', (_, items) => {
    expect(capped<unknown>(items)).toEqual(items);
  });

  test('is cut to its first items where it is long', () => {
    const items = Array.from({ length: 100_000 }, (_, index) => `s3://bucket/${index}.png`);
    const told = capped(items);
    expect(told).toEqual(items.slice(0, told.length));
    expect(told.length).toBeGreaterThan(5_000);
  });

  test('never takes more room than it may, and leaves none that another item would fit', () => {
    const item = fc.oneof(
      fc.string({ maxLength: 50 }),
      fc.nat({ max: 100_000 }).map((length) => 'ü"'.repeat(length / 2)),
    );
    fc.assert(
      fc.property(fc.array(item, { maxLength: 12 }), (items) => {
        const told = capped(items);
        const room = (list: readonly string[]) => Buffer.byteLength(JSON.stringify(list));
        expect(told).toEqual(items.slice(0, told.length));
        expect(room(told)).toBeLessThanOrEqual(MAX_LIST_BYTES + 2);
        if (told.length < items.length) {
          expect(room(items.slice(0, told.length + 1))).toBeGreaterThan(MAX_LIST_BYTES - 2);
        }
      }),
    );
  });

  test('is counted in bytes of UTF-8, with what JSON escapes', () => {
    const escaped = Array.from({ length: 10 }, () => '\n'.repeat(20 * KIB));
    expect(capped(escaped)).toHaveLength(6);
    expect(capped(Array(10).fill('ü'.repeat(20 * KIB)))).toHaveLength(6);
    expect(capped(Array(10).fill('u'.repeat(20 * KIB)))).toHaveLength(10);
  });

  test('is empty where its first item is too long', () => {
    expect(capped(['x'.repeat(MAX_LIST_BYTES), 'y'])).toEqual([]);
  });
});

describe('objects in a sentence', () => {
  const urls = Array.from({ length: 100_000 }, (_, index) => `s3://bucket/${index}`);

  test.each([
    [1, 's3://bucket/0'],
    [2, 's3://bucket/0, s3://bucket/1'],
    [10, /s3:\/\/bucket\/9$/],
    [11, /s3:\/\/bucket\/9, and 1 more$/],
    [100_000, /s3:\/\/bucket\/9, and 99990 more$/],
  ])('%d of them: the first ten are named, and how many more there are', (count, sentence) => {
    expect(listUrls(urls.slice(0, count))).toMatch(sentence);
  });
});
