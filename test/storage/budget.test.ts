import { describe, expect, test } from 'vitest';
import { Budget } from '../../src/storage/budget.ts';
import { gate } from '../support/faults.ts';

const { signal } = new AbortController();

describe('Budget', () => {
  test('never gives out more than its limit, whatever the order of the tasks', async () => {
    const budget = new Budget(100);
    let most = 0;
    const sizes = Array.from({ length: 200 }, (_, index) => 1 + ((index * 37) % 60));
    await Promise.all(
      sizes.map((bytes) =>
        budget.spend(bytes, signal, async () => {
          most = Math.max(most, budget.taken);
          await new Promise(setImmediate);
        }),
      ),
    );

    expect(most).toBeGreaterThan(60);
    expect(most).toBeLessThanOrEqual(100);
    expect(budget.taken).toBe(0);
  });

  test('lets nobody past a large task that waits', async () => {
    const budget = new Budget(100);
    const order: string[] = [];
    const first = gate();
    const tasks = [
      budget.spend(60, signal, () => first.opened),
      budget.spend(90, signal, async () => void order.push('large')),
      budget.spend(10, signal, async () => void order.push('small')),
    ];
    first.open();
    await Promise.all(tasks);

    expect(order).toEqual(['large', 'small']);
  });

  test('runs a task that wants more than there is alone', async () => {
    const budget = new Budget(100);
    let beside = 0;
    await Promise.all([
      budget.spend(50, signal, async () => {}),
      budget.spend(1_000, signal, async () => {
        beside = budget.taken;
      }),
    ]);

    expect(beside).toBe(100);
  });

  test('gives back what a task held that fails', async () => {
    const budget = new Budget(100);
    const failing = budget.spend(100, signal, () => Promise.reject(new Error('broken')));

    await expect(failing).rejects.toThrow('broken');
    expect(budget.taken).toBe(0);
  });

  test('rejects a task that is aborted while it waits, and lets the next one in', async () => {
    const budget = new Budget(100);
    const abort = new AbortController();
    const first = gate();
    const holding = budget.spend(50, signal, () => first.opened);
    const waiting = budget.spend(100, abort.signal, async () => 'large');
    const next = budget.spend(50, signal, async () => 'small');
    abort.abort(new Error('stopped'));

    await expect(waiting).rejects.toThrow('stopped');
    await expect(next).resolves.toBe('small');
    first.open();
    await holding;
    expect(budget.taken).toBe(0);
  });

  test('begins no task whose signal is aborted already', async () => {
    const budget = new Budget(100);
    let begun = false;
    const spending = budget.spend(1, AbortSignal.abort(new Error('stopped')), async () => {
      begun = true;
    });

    await expect(spending).rejects.toThrow('stopped');
    expect(begun).toBe(false);
  });
});
