import { expect, test } from 'vitest';
import { Speeds } from '../../src/cli/speeds.ts';

/** Speeds of 10,000 items, at times that a test sets. */
function timedSpeeds() {
  const clock = { now: 5_000 };
  const speeds = new Speeds(() => clock.now);
  const tally = { name: 'items', total: 10_000, inBytes: false, timed: true };
  return {
    after: (ms: number, done: number, fields: Partial<typeof tally> = {}) => {
      clock.now += ms;
      return speeds.describe({ ...tally, done, ...fields });
    },
  };
}

test('a speed is said from the second second on, with the time that the rest takes', () => {
  const { after } = timedSpeeds();
  expect(after(0, 0)).toBeUndefined();
  expect(after(999, 900)).toBeUndefined();
  expect(after(1, 1_000)).toBe('1,000/s, 9.0 s left');
  expect(after(1_000, 1_500)).toBe('750/s, 11.3 s left');
});

test('what was done before the first look does not count: a run that goes on is not faster', () => {
  const { after } = timedSpeeds();
  after(0, 9_000);
  expect(after(2_000, 9_020)).toBe('10/s, 1 min 38 s left');
});

test('a speed is that of the last 30 seconds', () => {
  const { after } = timedSpeeds();
  after(0, 0);
  expect(after(10_000, 100)).toBe('10/s, 16 min 30 s left');
  for (let second = 0; second < 29; second++) after(1_000, 100 + 20 * second);
  expect(after(1_000, 700)).toBe('20/s, 7 min 45 s left');
});

test('a run that stands still for longer has no speed, and one again once it goes on', () => {
  const { after } = timedSpeeds();
  after(0, 0);
  after(1_000, 1_000);
  expect(after(30_000, 1_000)).toBeUndefined();
  expect(after(10_000, 2_000)).toBe('25/s, 5 min 20 s left');
});

test('looks that are far apart still make a speed', () => {
  const { after } = timedSpeeds();
  after(0, 0);
  expect(after(100_000, 1_000)).toBe('10/s, 15 min 0 s left');
  expect(after(100_000, 1_500)).toBe('5/s, 28 min 20 s left');
});

test('one that is done has no time left', () => {
  const { after } = timedSpeeds();
  after(0, 0);
  expect(after(4_000, 10_000)).toBe('2,500/s');
});

test('counts that fall, as when a shard ends between two questions, make no speed', () => {
  const { after } = timedSpeeds();
  after(0, 1_000);
  expect(after(5_000, 900)).toBeUndefined();
});

test('each tally has a speed of its own; one that is not timed has none', () => {
  const { after } = timedSpeeds();
  after(0, 0);
  after(0, 0, { name: 'others' });
  expect(after(1_000, 100, { timed: false })).toBeUndefined();
  expect(after(1_000, 200)).toBe('100/s, 1 min 38 s left');
  expect(after(0, 2_000, { name: 'others' })).toBe('1,000/s, 8.0 s left');
});
