import { describe, expect, test } from 'vitest';
import { generatedItems } from '../../src/items/generated-items.ts';
import { plainItem } from '../../src/items/item.ts';
import { START } from '../../src/items/low-water.ts';
import type { ItemContext } from '../../src/processors/processor.ts';
import { gate } from '../support/faults.ts';
import { type Case, indexOf, markAt, never, quiet, run, SEED, start } from './run-case.ts';

describe('an item whose time is up', () => {
  test('has failed and is told to stop, and the others go on', async () => {
    const contexts: ItemContext[] = [];
    let watched: AbortSignal | undefined;
    const { mark, failures } = await run({
      concurrency: 2,
      timeoutMs: 50,
      process: (item, context) => {
        if (indexOf(item) === 3) contexts.push(context);
        if (indexOf(item) === 4) watched = context.signal;
        return indexOf(item) === 3 || indexOf(item) === 4 ? never : undefined;
      },
    });
    const error = 'Timed out after 0.05 s';
    expect(mark).toEqual(markAt(10, 2));
    expect(failures).toEqual(['1-3', '1-4'].map((id) => ({ id, error })));
    expect(watched?.reason).toEqual(new Error(error));
    expect(contexts[0]?.signal.reason).toEqual(new Error(error));
  });

  test.each(['resolves', 'rejects'])('counts as that, though it %s later', async (end) => {
    const late = gate();
    const { mark, failures } = await run({
      timeoutMs: 50,
      process: async (item, { signal }) => {
        if (indexOf(item) !== 0) return;
        signal.addEventListener('abort', late.open);
        await late.opened;
        if (end === 'rejects') throw new Error('too late');
      },
    });
    await quiet();
    expect(mark).toEqual(markAt(10, 1));
    expect(failures).toEqual([{ id: '1-0', error: 'Timed out after 0.05 s' }]);
  });
});

describe('an abort', () => {
  test('begins nothing any more, and lets what is under way end and count', async () => {
    const open = gate();
    const begun: number[] = [];
    const signals: AbortSignal[] = [];
    const { running, counts, abort, failures } = start({
      process: async (item, { signal }) => {
        begun.push(indexOf(item));
        signals.push(signal);
        await open.opened;
        if (indexOf(item) === 1) throw new Error('broken');
      },
    });
    await quiet();
    abort.abort();
    await quiet();
    open.open();
    await running;

    expect(begun).toEqual([0, 1, 2, 3]);
    expect(counts.mark).toEqual(markAt(4, 1));
    expect(failures).toEqual([{ id: '1-1', error: 'broken' }]);
    expect(signals.some(({ aborted }) => aborted)).toBe(false);
  });

  test('gives up what does not end within the grace: it does not count, and is told to stop', async () => {
    const open = gate();
    let given: AbortSignal | undefined;
    const { running, counts, abort, failures } = start({
      concurrency: 3,
      graceMs: 20,
      process: (item, { signal }) => {
        if (indexOf(item) !== 1) return open.opened;
        given = signal;
        return never;
      },
    });
    await quiet();
    abort.abort();
    open.open();
    await running;

    expect(counts.mark).toEqual(markAt(1));
    expect(failures).toEqual([]);
    expect(given?.reason).toEqual(new Error('The worker stops'));
  });

  test('ends those that wait for the window, for room, or for their second', async () => {
    const waits: Case[] = [
      { process: (item) => (indexOf(item) === 0 ? never : undefined), window: 2, graceMs: 20 },
      { process: () => {}, room: () => never, graceMs: 20 },
      // Nothing is under way: no grace is needed.
      { process: () => {}, itemsPerSecond: 0.001 },
    ];
    for (const wait of waits) {
      const { running, counts, abort } = start(wait);
      await quiet();
      abort.abort();
      await running;
      expect(counts.mark.next).toBeLessThan(2);
    }
  });

  test('that ends the source, too, is no failure: what was processed counts', async () => {
    const stop = new AbortController();
    const items = async function* () {
      yield* generatedItems(SEED, 0, 5);
      stop.abort();
      stop.signal.throwIfAborted();
    };
    const { mark } = await run({ items: items(), signal: stop.signal, process: () => undefined });

    expect(mark).toEqual(markAt(5));
  });

  test('before the beginning begins nothing', async () => {
    const { running, counts, abort } = start({ process: () => {} });
    abort.abort();
    await running;
    expect(counts.mark).toEqual(START);
  });
});

describe('the source of the items', () => {
  test('fails the run where it fails, and what is under way ends and counts first', async () => {
    async function* items() {
      yield [plainItem('1-0', 0), plainItem('1-1', 0)];
      throw new Error('the source is broken');
    }
    const open = gate();
    const { running, counts } = start({ items: items(), process: () => open.opened });
    const rejected = expect(running).rejects.toThrow('the source is broken');
    await quiet();
    open.open();
    await rejected;
    expect(counts.mark).toEqual(markAt(2));
  });

  test.each(['end', 'abort'])('is let clean up at the %s', async (how) => {
    let isClean = false;
    function* items() {
      try {
        yield* generatedItems(SEED, 0, 2000);
      } finally {
        isClean = true;
      }
    }
    const { running, abort } = start({
      items: items(),
      process: (item) => {
        if (how === 'abort' && indexOf(item) === 5) abort.abort();
      },
    });
    await running;
    expect(isClean).toBe(true);
  });

  test('may have no items', async () => {
    expect(await run({ items: [], process: () => {} })).toEqual({ mark: START, failures: [] });
  });
});
