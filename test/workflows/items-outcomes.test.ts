import { beforeAll, describe, expect, test } from 'vitest';
import type { Processor } from '../../src/processors/processor.ts';
import { type ItemsCase, itemsCase } from '../support/items-case.ts';

/** How items of a file fail, by their ids. */
const FAULTS: Record<string, () => unknown> = {
  throws: () => {
    throw new Error('thrown');
  },
  rejects: () => Promise.reject(new TypeError('rejected')),
  text: () => {
    throw 'just text';
  },
  object: () => Promise.reject({ code: 7 }),
  nothing: () => Promise.reject(undefined),
  nameless: () => {
    throw new RangeError();
  },
  lines: () => Promise.reject(new Error('two\nlines "quoted" 中')),
  long: () => Promise.reject(new Error('x'.repeat(5000))),
};

const faulty: Processor = {
  name: 'faulty',
  process: ({ id }) => FAULTS[id]?.(),
};

const failing: Processor = {
  name: 'failing',
  process: ({ id }) => Promise.reject(new Error(`${id} is wrong`)),
};

/** Hangs for two ids: beyond the time, or until it is told that it is up. */
const hanging: Processor = {
  name: 'hanging',
  process: ({ id }, { signal }) => {
    if (id === 'deaf') return new Promise(() => {});
    if (id !== 'listens') return;
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error('I was aborted')));
    });
  },
};

let taskQueue: string;

beforeAll(async () => {
  const shared = await itemsCase();
  taskQueue = shared.taskQueue;
  await shared.worker({
    env: { ITEMS_BUCKET: '' },
    processors: [faulty, failing, hanging],
  });
});

describe('an item fails, and the run does not,', () => {
  test('however the processor says so; each is told by id and error, in the order of the file', async () => {
    const ids = [...Object.keys(FAULTS).flatMap((id) => [`before ${id}`, id]), 'last'];
    const { items, source } = await fileOf(ids);

    const run = await items.start({ source, processor: 'faulty', itemsPerChunk: 3 });

    const result = await run.result();
    expect(result).toMatchObject({ total: 17, succeeded: 9, failed: 8 });
    expect(await items.failures(result.failures)).toEqual([
      { id: 'throws', error: 'thrown' },
      { id: 'rejects', error: 'rejected' },
      { id: 'text', error: 'just text' },
      { id: 'object', error: '{"code":7}' },
      { id: 'nothing', error: 'undefined' },
      { id: 'nameless', error: 'RangeError' },
      { id: 'lines', error: 'two\nlines "quoted" 中' },
      { id: 'long', error: `${'x'.repeat(1000)}…` },
    ]);
    expect(await items.results()).toEqual([result]);
  });

  test('when its time is up, whether its processor listens or not', async () => {
    const { items, source } = await fileOf(['a', 'deaf', 'b', 'c', 'listens', 'd']);

    const run = await items.start({
      ...{ source, processor: 'hanging', itemsPerChunk: 4, itemConcurrency: 2 },
      itemTimeoutSeconds: 1,
    });

    const result = await run.result();
    expect(result).toMatchObject({ total: 6, succeeded: 4, failed: 2 });
    expect(await items.failures(result.failures)).toEqual([
      { id: 'deaf', error: 'Timed out after 1 s' },
      { id: 'listens', error: 'Timed out after 1 s' },
    ]);
  });

  test('and so may all, in many chunks', async () => {
    const ids = Array.from({ length: 1000 }, (_, index) => `item-${index}`);
    const { items, source } = await fileOf(ids);

    const run = await items.start({ source, processor: 'failing', itemsPerChunk: 50 });

    const result = await run.result();
    expect(result).toMatchObject({ total: 1000, succeeded: 0, failed: 1000 });
    const expected = ids.map((id) => ({ id, error: `${id} is wrong` }));
    expect(await items.failures(result.failures)).toEqual(expected);
    expect(await items.keys()).toEqual([`items/${items.batchId}/failures.ndjson`, 'items.csv']);
  });
});

test('a later run of the same batch starts anew, and replaces its failures', async () => {
  const { items, source } = await fileOf(['a', 'b']);
  const first = await (await items.start({ source, processor: 'failing' })).result();
  const other = await items.put('items.csv', 'id,value\nb,1\nthrows,2\n');

  const second = await (await items.start({ source: other, processor: 'faulty' })).result();

  expect(second).toEqual({ ...first, total: 2, succeeded: 1, failed: 1 });
  expect(await items.failures(second.failures)).toEqual([{ id: 'throws', error: 'thrown' }]);
});

async function fileOf(ids: readonly string[]): Promise<{
  items: ItemsCase;
  source: { bucket: string; key: string };
}> {
  const items = await itemsCase(undefined, undefined, taskQueue);
  const source = await items.put('items.csv', `id,value\n${ids.map((id) => `${id},1\n`).join('')}`);
  return { items, source };
}
