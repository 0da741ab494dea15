import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hashKey, KeySum } from '../../src/items/key-sum.ts';
import { LowWater, type Mark, START } from '../../src/items/low-water.ts';

type Failures = readonly boolean[];

function idOf(index: number): string {
  return `item-${index}`;
}

/** The mark of a chunk whose items below an index are counted. */
function markAt(next: number, failures: Failures): Mark {
  const keys = new KeySum();
  for (let index = 0; index < next; index++) keys.add(hashKey(idOf(index)));
  const failed = failures.slice(0, next).filter(Boolean).length;
  return { next, failed, keySum: keys.toString() };
}

function failuresFrom(start: number, end: number, failures: Failures): string[] {
  return failures.slice(start, end).flatMap((fails, at) => (fails ? [idOf(start + at)] : []));
}

/** Ends items in the order that `picks` makes, at most so many, and tells which failures were told. */
function endItems(
  from: Mark,
  { window, failures, picks }: { window: number; failures: Failures; picks: readonly number[] },
  endings = Infinity,
) {
  const told: string[] = [];
  const counts = new LowWater(from, window, (id, error) => {
    expect(error).toBe(`${id} is broken`);
    told.push(id);
  });
  const ended = new Set<number>();
  for (let step = 0; step < endings && counts.mark.next < failures.length; step++) {
    const open = [...failures.keys()].filter(
      (index) => index >= counts.mark.next && !ended.has(index) && !counts.isTooFar(index),
    );
    const index = open[(picks[step % picks.length] as number) % open.length] as number;
    ended.add(index);
    const id = idOf(index);
    if (failures[index]) counts.fail(index, id, `${id} is broken`);
    else counts.succeed(index, id);

    let expected = counts.mark.next;
    while (ended.has(expected)) expected += 1;
    expect(counts.mark).toEqual(markAt(expected, failures));
    expect(told).toEqual(failuresFrom(from.next, expected, failures));
  }
  return { mark: counts.mark, told };
}

const chunk = fc.record({
  window: fc.integer({ min: 1, max: 16 }),
  failures: fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }),
  picks: fc.array(fc.nat(), { minLength: 1, maxLength: 40 }),
});

describe('the mark', () => {
  test('counts what has ended without a gap, and tells failures in order and once', () => {
    fc.assert(
      fc.property(chunk, (one) => {
        const { mark, told } = endItems(START, one);
        expect(mark).toEqual(markAt(one.failures.length, one.failures));
        expect(told).toEqual(failuresFrom(0, one.failures.length, one.failures));
      }),
    );
  });

  test('comes to the same where another goes on from it, wherever it was', () => {
    fc.assert(
      fc.property(chunk, fc.nat({ max: 40 }), (one, endings) => {
        const first = endItems(START, one, endings);
        const second = endItems(first.mark, one);
        expect(second.mark).toEqual(markAt(one.failures.length, one.failures));
        expect([...first.told, ...second.told]).toEqual(
          failuresFrom(0, one.failures.length, one.failures),
        );
      }),
    );
  });
});

test('items from a window above the mark on have to wait', () => {
  const counts = new LowWater({ ...START, next: 100 }, 8, () => {});
  expect(counts.isTooFar(107)).toBe(false);
  expect(counts.isTooFar(108)).toBe(true);
  counts.succeed(100, 'a');
  expect(counts.isTooFar(108)).toBe(false);
  expect(counts.isTooFar(109)).toBe(true);
});

test('all who wait are told once the mark moves, and not before', async () => {
  const counts = new LowWater(START, 8, () => {});
  let told = 0;
  const waiting = [counts.moved(), counts.moved()].map((moved) => moved.then(() => (told += 1)));

  counts.succeed(1, 'b');
  await new Promise(setImmediate);
  expect(told).toBe(0);

  counts.succeed(0, 'a');
  await Promise.all(waiting);
  expect(told).toBe(2);
  expect(counts.mark.next).toBe(2);
});
