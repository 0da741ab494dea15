import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { csvOf, type ItemsCase, itemsCase } from '../support/items-case.ts';

const NDJSON = '{"id":"a","value":1}\n';

let taskQueue: string;
let items: ItemsCase;

beforeAll(async () => {
  const shared = await itemsCase();
  taskQueue = shared.taskQueue;
  await shared.worker({
    env: { ITEMS_BUCKET: '' },
    processors: [{ name: 'fail', process: () => Promise.reject(new Error('no')) }],
  });
});

beforeEach(async () => {
  items = await itemsCase(undefined, undefined, taskQueue);
});

describe('a run fails, tells why, and leaves no working objects,', () => {
  test.each([
    ['items.csv', 'value,name\n1,a\n', ': the header has no column "id", only "value", "name"'],
    ['items.csv', Buffer.alloc(0), ': is empty; expected a header'],
    [
      'items.csv',
      'id,value\r\n\r\na,1\r\nb,1001\r\n',
      ', line 4: the value 1001 is not a whole number from 0 to 1000',
    ],
    [
      'items.csv',
      'id,value\na,1\n"b\n\nb",2\nc,-1\n',
      ', line 6: the value "-1" is not a whole number from 0 to 1000',
    ],
    ['items.csv', 'id,value\n,1\n', ', line 2: the id "" is empty'],
    [
      'items.csv',
      'id,value\na,1\na,b,1\n',
      ", line 3: the row's column count is 3, the header's is 2; quote cells that hold commas or newlines",
    ],
    ['items.csv', 'id,value\na,1\n"b,1\nc,1\n', ', line 3: '],
    ['items.ndjson', `${NDJSON}\n{"id":"b","value":1`, ', line 3: not JSON: '],
    ['items.ndjson', `${NDJSON}{"value":1}\n`, ', line 2: the id (nothing) is not text'],
    [
      'items.ndjson',
      `${NDJSON}{"id":"b","value":"1"}\n`,
      ', line 2: the value "1" is not a whole number from 0 to 1000',
    ],
    [
      'items.csv',
      'id,value\na,1\nb,2\n"a",3\nb,4\na,5\n',
      ': ids must be unique, but some come more than once: "a" on lines 2, 4, 6; "b" on lines 3, 5',
    ],
    [
      // SQS refuses this character, unless it is escaped.
      'items.csv',
      'id,value\na\uffff,1\na\uffff,2\n',
      ': ids must be unique, but some come more than once: "a\uffff" on lines 2, 3',
    ],
    [
      'items.jsonl',
      `${NDJSON}\n\n{"value":2,"id":"\\u0061"}`,
      ': ids must be unique, but some come more than once: "a" on lines 1, 4',
    ],
  ])('for the file %s: %j', async (key, content, problem) => {
    const source = await items.put(key, content);

    await expectFailure(await items.start({ source }), `s3://${items.bucket}/${key}${problem}`);

    expect(await items.keys()).toEqual([key]);
  });

  test('for an id that is not UTF-8', async () => {
    const source = await items.put('items.csv', Buffer.from('id,value\n\xe9,1\n', 'latin1'));

    await expectFailure(
      await items.start({ source }),
      `s3://${items.bucket}/items.csv, line 2: the id "\ufffd" is not UTF-8 text`,
    );
  });

  test('for a file that is not there', async () => {
    const { bucket } = items;

    const run = await items.start({ source: { bucket, key: 'dir/items.csv' } });

    await expectFailure(run, `s3://${bucket}/dir/items.csv does not exist; upload it`);
    expect(await items.keys()).toEqual([]);
  });

  test('for a processor that there is not, which lists those that there are', async () => {
    const run = await items.start({ source: { generate: { count: 1 } }, processor: 'slep' });

    await expectFailure(
      run,
      'No processor of items is called "slep"; this worker has sleep, s3-checksum, fail; PROCESSORS adds others',
    );
  });

  test('for an input that is not a batch, which names each fault', async () => {
    const run = await items.start({ source: { generate: { count: -1 } }, itemsPerChunk: 0 });

    await expectFailure(
      run,
      'Not a batch of items: source.generate.count: expected a whole number from 0 to 1000000000, got -1; ' +
        'itemsPerChunk: expected a whole number from 1 to 1000000, got 0',
    );
  });

  test('for a made-up batch that has no bucket for its state', async () => {
    const run = await items.start({ source: { generate: { count: 10 } } });

    await expectFailure(run, 'ITEMS_BUCKET: expected the name of a bucket');
  });

  /** The run fails for this reason, which is told once; `problem` is the beginning of it. */
  async function expectFailure(run: WorkflowHandle, problem: string) {
    const error = await run.result().catch((reason) => reason);
    expect(error).toBeInstanceOf(WorkflowFailedError);
    const { message } = error.cause;
    expect(message.slice(0, problem.length)).toBe(problem);
    const { batchId } = items;
    expect(await items.results()).toEqual([{ batchId, status: 'failed', error: message }]);
  }
});

test('a file of items is in a bucket: its failures are put there if no other is set', async () => {
  const source = await items.put('items.csv', csvOf(2));

  const { failures } = await (await items.start({ source, processor: 'fail' })).result();

  expect(failures).toBe(`s3://${items.bucket}/items/${items.batchId}/failures.ndjson`);
});
