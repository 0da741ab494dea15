import { expect, test } from 'vitest';
import { CheckpointList, type GunzipCheckpoint } from '../../src/archive/gunzip-checkpoint.ts';

function at(outputOffset: number): GunzipCheckpoint {
  return {
    inputOffset: outputOffset,
    bitOffset: 0,
    outputOffset,
    dictionary: '',
    member: undefined,
  };
}

test('the newest at or before an offset is given, and those before it are forgotten', () => {
  const list = new CheckpointList();
  expect(list.before(1000)).toBeUndefined();
  for (const offset of [10, 20, 30]) list.add(at(offset));
  expect(list.before(9)).toBeUndefined();
  expect(list.before(10)).toEqual(at(10));
  expect(list.before(29)).toEqual(at(20));
  expect(list.before(29)).toEqual(at(20));
  expect(list.before(19)).toBeUndefined();
  expect(list.before(Number.POSITIVE_INFINITY)).toEqual(at(30));
});

test('few of many are kept: the one that was asked for last, the newest, and some between', () => {
  const list = new CheckpointList();
  list.add(at(0));
  for (let offset = 1; offset <= 10_000; offset += 1) {
    list.add(at(offset));
    expect(list.before(0)).toEqual(at(0));
  }
  const kept = new Set<number>();
  for (let offset = 0; offset <= 10_000; offset += 1)
    kept.add(list.before(offset)?.outputOffset ?? -1);
  expect(kept.size).toBeLessThanOrEqual(32);
  expect(kept.size).toBeGreaterThan(8);
  expect(kept).toContain(0);
  expect(Math.max(...kept)).toBeGreaterThan(9_990);
});
