import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deflateGroups } from '../../src/archive/deflate-groups.ts';

const MIB = 1024 * 1024;

/** A group of several files is not larger than this, where there are not too many of them. In bytes. */
const GROUP_BYTES = 64 * MIB;

const sizes = fc.array(
  fc.oneof(
    fc.constant(0),
    fc.integer({ min: 1, max: MIB }),
    fc.integer({ min: 1, max: GROUP_BYTES + 2 }),
    fc.integer({ min: 1, max: 2 ** 42 }),
  ),
  { maxLength: 200 },
);

describe('groups', () => {
  test('have every file once, in order, and none is empty', () => {
    fc.assert(
      fc.property(sizes, (all) => {
        const groups = deflateGroups(all);
        expect(groups.flatMap(indexesOf)).toEqual([...all.keys()]);
        for (const { first, end } of groups) expect(end).toBeGreaterThan(first);
      }),
    );
  });

  test('of several files are bounded in bytes', () => {
    fc.assert(
      fc.property(sizes, (all) => {
        const most = Math.max(GROUP_BYTES, sum(all) / 500);
        for (const group of deflateGroups(all)) {
          if (group.end - group.first === 1) continue;
          expect(sum(all.slice(group.first, group.end))).toBeLessThanOrEqual(most);
        }
      }),
    );
  });

  test('are as few as they can be without going beyond', () => {
    fc.assert(
      fc.property(sizes, (all) => {
        const most = Math.max(GROUP_BYTES, sum(all) / 500);
        for (const { first, end } of deflateGroups(all)) {
          if (end < all.length) expect(sum(all.slice(first, end + 1))).toBeGreaterThan(most);
        }
      }),
    );
  });
});

test.each([
  ['no file', [], 0],
  ['an empty file', [0], 1],
  ['files up to the size of a group', [32 * MIB, 32 * MIB, 1], 2],
  ['a file that is larger than a group, and its neighbours', [1, 5 * GROUP_BYTES, 1], 3],
  ['1,000 files', Array(1000).fill(10), 1],
  ['1,001 files', Array(1001).fill(10), 2],
  ['100,000 empty files', Array(100_000).fill(0), 100],
  ['1,000,000 small files', Array(1_000_000).fill(100), 500],
])('%s: groups as expected', (_, all, count) => {
  expect(deflateGroups(all)).toHaveLength(count);
});

test.each([
  ['100,000 files of 1 MB', Array(100_000).fill(1_000_000)],
  ['100,000 files of 50 MB', Array(100_000).fill(50_000_000)],
  ['100,000 files of all sizes', Array.from({ length: 100_000 }, (_, n) => (n * 7919) % 2_000_000)],
])('%s make some hundred groups, each of a bounded number of files', (_, all) => {
  const groups = deflateGroups(all);
  expect(groups.length).toBeLessThanOrEqual(520);
  for (const { first, end } of groups) expect(end - first).toBeLessThanOrEqual(1000);
});

function indexesOf({ first, end }: { first: number; end: number }): number[] {
  return Array.from({ length: end - first }, (_, n) => first + n);
}

function sum(all: readonly number[]): number {
  return all.reduce((total, size) => total + size, 0);
}
