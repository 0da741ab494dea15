import { describe, expect, test, vi } from 'vitest';
import { type ReadAheadOptions, readAhead } from '../../src/storage/read-ahead.ts';
import { gate } from '../support/faults.ts';

const SOURCE = Buffer.from(Array.from({ length: 103 }, (_, index) => index));

describe('readAhead', () => {
  test('gives every byte of the range in order, whichever read is done first', async () => {
    const reads = heldReads();
    const chunks = Array.fromAsync(readAhead(options({ start: 3, end: 98, read: reads.read })));
    while (reads.open.length > 0) {
      await reads.finish(reads.open.length - 1);
    }

    expect((await chunks).map(({ length }) => length)).toEqual([...Array(9).fill(10), 5]);
    expect(Buffer.concat(await chunks)).toEqual(SOURCE.subarray(3, 98));
  });

  test('reads nothing before it is asked, and nothing at all of an empty range', async () => {
    const read = vi.fn(readSource);
    readAhead(options({ read }));

    await expect(Array.fromAsync(readAhead(options({ end: 0, read })))).resolves.toEqual([]);
    expect(read).not.toHaveBeenCalled();
  });

  test('never holds more than its lanes, the chunk that the reader has included', async () => {
    const read = vi.fn(readSource);
    const chunks = readAhead(options({ lanes: 4, read }));
    for (let taken = 1; taken <= 5; taken++) {
      await chunks.next();
      expect(read).toHaveBeenCalledTimes(taken + 3);
    }
    await chunks.return(undefined);
    expect(read).toHaveBeenCalledTimes(8);
  });

  test('gives out what lies before a read that fails, then its error, once the others have ended', async () => {
    const read = vi.fn((start: number, end: number, signal: AbortSignal) => {
      if (start < 20) return readSource(start, end);
      return start === 20 ? Promise.reject(new Error('broken')) : ended(signal);
    });
    const taken: Buffer[] = [];
    const all = (async () => {
      for await (const chunk of readAhead(options({ lanes: 4, read }))) taken.push(chunk);
    })();

    await expect(all).rejects.toThrow('broken');
    expect(Buffer.concat(taken)).toEqual(SOURCE.subarray(0, 20));
    expect(read).toHaveBeenCalledTimes(6);
    expect(endings).toBe(3);
  });

  test('aborts the reads under way where the reader stops early, and waits for their end', async () => {
    const read = (start: number, end: number, signal: AbortSignal) =>
      start === 0 ? readSource(start, end) : ended(signal);
    for await (const chunk of readAhead(options({ lanes: 4, read }))) {
      expect(chunk).toEqual(SOURCE.subarray(0, 10));
      break;
    }

    expect(endings).toBe(3);
  });

  test('stopped from outside rejects with the reason, once all reads have ended', async () => {
    const stop = new AbortController();
    const read = (_start: number, _end: number, signal: AbortSignal) => ended(signal);
    const first = readAhead(options({ lanes: 4, read, signal: stop.signal })).next();
    stop.abort(new Error('stopped'));

    await expect(first).rejects.toThrow('stopped');
    expect(endings).toBe(4);
  });

  /** Reads that were aborted, and ended some time after. */
  let endings = 0;

  function options(changes: Partial<ReadAheadOptions>): ReadAheadOptions {
    endings = 0;
    const { signal } = new AbortController();
    const { length: end } = SOURCE;
    return { start: 0, end, chunkBytes: 10, lanes: 3, signal, read: readSource, ...changes };
  }

  async function readSource(start: number, end: number): Promise<Buffer> {
    return SOURCE.subarray(start, end);
  }

  /** A read that never gives anything: it fails once it is aborted, in its own time. */
  async function ended(signal: AbortSignal): Promise<Buffer> {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    await new Promise(setImmediate);
    endings += 1;
    throw new Error('aborted');
  }

  /** Reads that the test ends one by one, in an order of its own. */
  function heldReads() {
    const open: { open(): void }[] = [];
    const read = async (start: number, end: number) => {
      const held = gate();
      open.push(held);
      await held.opened;
      return readSource(start, end);
    };
    const finish = async (index: number) => {
      open.splice(index, 1)[0]?.open();
      await new Promise(setImmediate);
    };
    return { open, read, finish };
  }
});
