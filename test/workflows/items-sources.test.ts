import { beforeAll, describe, expect, test } from 'vitest';
import type { Item } from '../../src/processors/processor.ts';
import { itemsCase } from '../support/items-case.ts';

/** What the worker of all tests has processed, by batch. */
const processed = new Map<string, Item[]>();
let taskQueue: string;

beforeAll(async () => {
  const shared = await itemsCase();
  taskQueue = shared.taskQueue;
  const record = {
    name: 'record',
    process: (item: Item, { batchId }: { batchId: string }) => {
      processed.set(batchId, [...(processed.get(batchId) ?? []), item]);
    },
  };
  await shared.worker({ processors: [record] });
});

describe('a CSV file is processed item by item', () => {
  test('whatever is in its cells; other columns are fields, also of chunks without the header', async () => {
    const { source, items, run, keys } = await caseOf(
      'items.csv',
      'color,id,note,value\n' +
        'red,"a,b",,0\n' +
        '"gr""een","two\nlines","x\r\ny",1000\n' +
        'blue,Größe 中 🎉,"1,5",7\n' +
        ',"say ""hi""",true,0010\n' +
        'x, spaced ,  ,1',
    );

    const result = await run({ source, itemsPerChunk: 2 });

    expect(result).toMatchObject({ total: 5, succeeded: 5, failed: 0, failures: null });
    expect(await keys()).toEqual(['items.csv']);
    expect(sorted(items())).toEqual(
      sorted([
        { id: 'a,b', value: 0, fields: { color: 'red', note: '' } },
        { id: 'two\nlines', value: 1000, fields: { color: 'gr"een', note: 'x\r\ny' } },
        { id: 'Größe 中 🎉', value: 7, fields: { color: 'blue', note: '1,5' } },
        { id: 'say "hi"', value: 10, fields: { color: '', note: 'true' } },
        { id: ' spaced ', value: 1, fields: { color: 'x', note: '  ' } },
      ]),
    );
  });

  test('with a byte order mark, line breaks of Windows, and blank lines', async () => {
    const { source, items, run } = await caseOf(
      'ITEMS.CSV',
      '\ufeffid,value\r\n\r\na,1\r\nb,2\r\n\r\n\r\nc,3\r\n',
    );

    const result = await run({ source, itemsPerChunk: 1 });

    expect(result).toMatchObject({ total: 3, succeeded: 3 });
    expect(sorted(items())).toEqual([item('a', 1), item('b', 2), item('c', 3)]);
  });
});

test('an NDJSON file is processed item by item; other fields keep their types', async () => {
  const { source, items, run } = await caseOf(
    'items.ndjson',
    '\ufeff{"id":"a","value":1,"tags":["x",{"y":null}],"fields":7}\r\n' +
      '\n   \n' +
      '{"value":1000,"id":"two\\nlines, 中"}\n' +
      ' { "id" : "\\ud83c\\udf89" , "value" : 0.0 } \n' +
      '{"id":"last","value":1e2,"z":false}',
  );

  const result = await run({ source, itemsPerChunk: 1 });

  expect(result).toMatchObject({ total: 4, succeeded: 4 });
  expect(sorted(items())).toEqual(
    sorted([
      { id: 'a', value: 1, fields: { tags: ['x', { y: null }], fields: 7 } },
      item('two\nlines, 中', 1000),
      item('🎉', 0),
      { id: 'last', value: 100, fields: { z: false } },
    ]),
  );
});

test('ids are told apart as they are: case, spaces, and how a letter is composed', async () => {
  const ids = ['a', 'A', 'a ', '\u00e9', 'e\u0301'];
  const { source, items, run } = await caseOf(
    'items.jsonl',
    ids.map((id) => JSON.stringify({ id, value: 0 })).join('\n'),
  );

  await run({ source });

  expect(new Set(items().map(({ id }) => id))).toEqual(new Set(ids));
});

test.each([
  ['a CSV file with nothing but a header', 'items.csv', 'id,value\r\n'],
  ['a header without a line break', 'items.csv', 'id,value'],
  ['an empty NDJSON file', 'items.ndjson', Buffer.alloc(0)],
  ['an NDJSON file of blank lines', 'items.ndjson', '\n\r\n'],
])('%s is a batch of no items', async (_, key, content) => {
  const { source, run, results, keys } = await caseOf(key, content);

  const result = await run({ source });

  expect(result).toMatchObject({ total: 0, succeeded: 0, failed: 0, failures: null });
  expect(await results()).toEqual([result]);
  expect(await keys()).toEqual([key]);
});

test('a made-up batch of no items is one', async () => {
  const { run, batchId, results } = await ownCase();

  const result = await run({ source: { generate: { count: 0 } } });

  expect(result).toEqual({ batchId, total: 0, succeeded: 0, failed: 0, failures: null });
  expect(await results()).toEqual([result]);
});

test('a made-up batch has ids of its own, values from 0 to 1000, and the same ones each time', async () => {
  const [one, other] = [await madeUp(3), await madeUp(3)];

  expect(one.size).toBe(2000);
  expect(other).toEqual(one);
  expect(await madeUp(4)).not.toEqual(one);
  expect([...one.values()].every((value) => value >= 0 && value <= 1000)).toBe(true);
});

async function madeUp(seed: number): Promise<Map<string, number>> {
  const { run, items } = await ownCase();
  await run({ source: { generate: { count: 2000, seed } }, itemsPerChunk: 700 });
  expect(items()).toHaveLength(2000);
  return new Map(sorted(items()).map(({ id, value }) => [id, value]));
}

/** A batch with a file. */
async function caseOf(key: string, content: string | Buffer) {
  const batch = await ownCase();
  return { ...batch, source: await batch.put(key, content) };
}

async function ownCase() {
  const batch = await itemsCase(undefined, undefined, taskQueue);
  return {
    ...batch,
    items: () => processed.get(batch.batchId) ?? [],
    run: async (job: Parameters<typeof batch.start>[0]) =>
      (await batch.start({ processor: 'record', ...job })).result(),
  };
}

function item(id: string, value: number): Item {
  return { id, value, fields: {} };
}

function sorted(items: readonly Item[]): Item[] {
  return items.toSorted((one, other) => (one.id < other.id ? -1 : 1));
}
