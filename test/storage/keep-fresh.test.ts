import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { isIdle } from '../../src/storage/folder-tree.ts';
import { everyMinute, whileFresh } from '../../src/storage/keep-fresh.ts';
import { gate } from '../support/faults.ts';
import { makeOld, tempFolder } from '../support/temp-folder.ts';

const HOUR_MS = 3_600_000;

/** The clock that the turns go by; files have the real one. */
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('whileFresh', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await tempFolder();
    await writeFile(join(folder, 'archive.zip'), 'x');
    await symlink('nowhere', join(folder, 'link'));
    await makeOld(folder, 120);
    expect(await isIdle(folder, HOUR_MS)).toBe(true);
  });

  test('touches everything in the folder before the task begins', async () => {
    await whileFresh(folder, () => expectAll(folder, 'fresh'));
  });

  test('touches it again each minute, and no earlier', async () => {
    await whileFresh(folder, async () => {
      await makeOld(folder, 120);
      vi.advanceTimersByTime(59_999);
    });
    await expectAll(folder, 'old');

    await whileFresh(folder, async () => {
      await makeOld(folder, 120);
      vi.advanceTimersByTime(60_000);
    });
    await expectAll(folder, 'fresh');
  });

  test('gives what the task gives, fails as it fails, and touches nothing afterwards', async () => {
    await expect(whileFresh(folder, async () => 7)).resolves.toBe(7);
    const failing = whileFresh(folder, () => Promise.reject(new Error('broken')));
    await expect(failing).rejects.toThrow('broken');

    expect(vi.getTimerCount()).toBe(0);
  });

  test('begins no task where the folder is gone', async () => {
    let begun = false;
    const task = whileFresh(join(folder, 'swept'), async () => {
      begun = true;
    });

    await expect(task).rejects.toThrow(expect.objectContaining({ name: 'WorkspaceLostError' }));
    expect(begun).toBe(false);
  });

  async function expectAll(path: string, age: 'fresh' | 'old'): Promise<void> {
    for (const each of [path, join(path, 'archive.zip'), join(path, 'link')]) {
      expect([each, await isIdle(each, HOUR_MS)]).toEqual([each, age === 'old']);
    }
  }
});

describe('everyMinute', () => {
  test('leaves out a turn while the one before it is under way', async () => {
    const held = gate();
    const work = vi.fn(() => held.opened);
    const stop = everyMinute(work);
    vi.advanceTimersByTime(180_000);

    expect(work).toHaveBeenCalledTimes(1);
    held.open();
    await stop();
  });

  test('goes on after a turn that failed', async () => {
    const work = vi.fn(() => Promise.reject(new Error('broken')));
    const stop = everyMinute(work);
    await vi.advanceTimersByTimeAsync(120_000);

    expect(work).toHaveBeenCalledTimes(2);
    await stop();
  });

  test('stops only once nothing is under way any more', async () => {
    const held = gate();
    let isStopped = false;
    const stop = everyMinute(() => held.opened);
    vi.advanceTimersByTime(60_000);
    const stopping = stop().then(() => {
      isStopped = true;
    });
    await new Promise(setImmediate);
    expect(isStopped).toBe(false);

    held.open();
    await stopping;
  });
});
