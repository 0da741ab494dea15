import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ItemsError } from '../../src/items/errors.ts';
import type { ItemRecord } from '../../src/items/item.ts';
import { NdjsonItems } from '../../src/items/ndjson-items.ts';
import type { ItemRules } from '../../src/items/record-reader.ts';
import { cuts, lineAt, readCut, WHOLE } from './cut-reading.ts';

const text = fc.string({
  unit: fc.constantFrom('a', ' ', 'ü', '😀', ',', '"', '\n', '\r', '\\', '\ufeff'),
  maxLength: 12,
});
const breaks = fc.array(fc.constantFrom('\n', '\r\n', ' \n'), { minLength: 1, maxLength: 3 });

const file = fc.record({
  hasBom: fc.boolean(),
  isCutShort: fc.boolean(),
  rows: fc.array(
    fc.record({
      id: text.filter((id) => id !== ''),
      value: fc.integer({ min: 0, max: 1000 }),
      fields: fc.dictionary(
        text.filter((name) => name !== 'id' && name !== 'value'),
        fc.oneof(text, fc.boolean(), fc.constant(null), fc.array(fc.integer(), { maxLength: 3 })),
        { maxKeys: 3, noNullPrototype: true },
      ),
      breaks,
    }),
    { maxLength: 12 },
  ),
});

type NdjsonFile = typeof file extends fc.Arbitrary<infer F> ? F : never;

/** The bytes of a file, and the records that are to be found in them. */
function write({ hasBom, isCutShort, rows }: NdjsonFile) {
  let written = hasBom ? '\ufeff' : '';
  const records: ItemRecord[] = [];
  for (const [index, row] of rows.entries()) {
    const { id, value, fields } = row;
    const line = lineAt(Buffer.from(written), Infinity);
    const [first = '', ...blank] = isCutShort && index === rows.length - 1 ? [] : row.breaks;
    written += JSON.stringify({ ...fields, value, id }) + first;
    const end = Buffer.byteLength(written);
    const nextLine = first === '' ? line : line + 1;
    records.push({ item: { id, value, fields }, end, line, nextLine });
    written += blank.join('');
  }
  return { bytes: Buffer.from(written), records };
}

function read(content: string | Buffer, rules: Partial<ItemRules> = {}): Promise<ItemRecord[]> {
  return readCut(new NdjsonItems({ ...WHOLE, ...rules }), Buffer.from(content));
}

async function itemsOf(content: string, rules?: Partial<ItemRules>) {
  return (await read(content, rules)).map(({ item }) => item);
}

describe('the items of an NDJSON file', () => {
  test('are found with their offsets and lines, wherever its bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(file, cuts, async (one, blocks) => {
        const { bytes, records } = write(one);
        expect(await readCut(new NdjsonItems(WHOLE), bytes, blocks)).toEqual(records);
      }),
    );
  });

  test('are found from the end of any other on', async () => {
    await fc.assert(
      fc.asyncProperty(file, cuts, async (one, blocks) => {
        const { bytes, records } = write(one);
        for (const [index, { end, nextLine }] of records.entries()) {
          const reader = new NdjsonItems({ ...WHOLE, start: end, line: nextLine });
          expect(await readCut(reader, bytes.subarray(end), blocks)).toEqual(
            records.slice(index + 1),
          );
        }
      }),
      { numRuns: 40 },
    );
  });

  test('keep what else their objects hold, as it is', async () => {
    expect(await itemsOf('{"id":"a","value":7,"tags":["x",{"y":null}],"toString":1}')).toEqual([
      { id: 'a', value: 7, fields: { tags: ['x', { y: null }], toString: 1 } },
    ]);
  });

  test('need no value where the processor ignores it', async () => {
    const rules = { ignoresValue: true };
    expect(await itemsOf('{"id":"a"}\n{"id":"b","value":5}\n', rules)).toEqual([
      { id: 'a', value: 0, fields: {} },
      { id: 'b', value: 5, fields: {} },
    ]);
    await expect(read('{"id":"a","value":null}', rules)).rejects.toThrow('the value null is not');
  });

  test('are whole though the memory of a block is used again', async () => {
    const reader = new NdjsonItems(WHOLE);
    const block = Buffer.from('{"id":"a",');
    await reader.push(block);
    block.fill('!');
    await reader.push(Buffer.from('"value":7}'));
    expect((await reader.end()).map(({ item }) => item)).toEqual([
      { id: 'a', value: 7, fields: {} },
    ]);
  });

  test('are none where the file is empty or has blank lines only', async () => {
    expect(await read('')).toEqual([]);
    expect(await read('\n \r\n\t\n')).toEqual([]);
  });
});

describe('an NDJSON file is refused', () => {
  test.each([
    ['{"id":"b","value":1001}', 'the value 1001 is not a whole number from 0 to 1000'],
    ['{"id":"b","value":"7"}', 'the value "7" is not a whole number from 0 to 1000'],
    ['{"id":"b","value":1.5}', 'the value 1.5 is not a whole number from 0 to 1000'],
    ['{"id":"b","value":""}', 'the value "" is not a whole number from 0 to 1000'],
    ['{"id":"b"}', 'the value (nothing) is not a whole number from 0 to 1000'],
    ['{"id":7,"value":1}', 'the id 7 is not text'],
    ['{"value":1}', 'the id (nothing) is not text'],
    ['{"id":"","value":1}', 'the id "" is empty'],
    ['{"id":"\\ud800","value":1}', 'the id "\\ud800" is not UTF-8 text'],
    ['["b",1]', 'expected a JSON object with id and value'],
    ['null', 'expected a JSON object with id and value'],
    ['"b"', 'expected a JSON object with id and value'],
  ])('with the line %s', async (line, problem) => {
    await expect(read(`{"id":"a","value":1}\n\n${line}\n`)).rejects.toThrow(
      new ItemsError(`s3://bucket/key, line 3: ${problem}`),
    );
  });

  test.each(['{"id":"b","value":1', '{"id":"b","value":1}}', 'id,value'])(
    'with the line %s, which is not JSON',
    async (line) => {
      await expect(read(`{"id":"a","value":1}\n${line}\n`)).rejects.toThrow(
        /^s3:\/\/bucket\/key, line 2: not JSON: ./,
      );
    },
  );

  test('with an id that has too many bytes', async () => {
    const withId = (id: string) => JSON.stringify({ id, value: 1 });
    await expect(read(withId('ü'.repeat(512)))).resolves.toHaveLength(1);
    await expect(read(withId(`${'ü'.repeat(512)}x`))).rejects.toThrow(
      /line 1: the id "ü{79}… has more than 1024 bytes$/,
    );
  });

  test('with an id that is not UTF-8', async () => {
    const bytes = Buffer.from('{"id":"aXb","value":1}');
    bytes[bytes.indexOf('X')] = 0xe4;
    await expect(read(bytes)).rejects.toThrow(/line 1: the id .* is not UTF-8 text$/);
  });

  test.each([[[1]], [[100_000]], [[30]]])(
    'with a line that is too long, ended or not, in blocks of %j bytes',
    async (blocks) => {
      const line = '{"id":"a","value":1}\n';
      const rules = { ...WHOLE, maxRecordBytes: line.length };
      const message = `line 2: the line has more than ${line.length} bytes; shorten it, or raise MAX_ROW_BYTES`;
      for (const tooLong of [` ${line}`, ' '.repeat(50)]) {
        const bytes = Buffer.from(line + tooLong);
        await expect(readCut(new NdjsonItems(rules), bytes, blocks)).rejects.toThrow(message);
      }
      const reader = new NdjsonItems(rules);
      expect(await readCut(reader, Buffer.from(line + line), blocks)).toHaveLength(2);
    },
  );

  test('with a line that is too long as soon as that is known, before it ends', async () => {
    const reader = new NdjsonItems({ ...WHOLE, maxRecordBytes: 10 });
    await reader.push(Buffer.from('{"id":'));
    await expect(reader.push(Buffer.from('"aaaaa'))).rejects.toThrow('more than 10 bytes');
  });

  test('by the line of the file, wherever reading began', async () => {
    const rules = { start: 500, line: 40 };
    await expect(read('{"id":"a","value":1}\n\nx\n', rules)).rejects.toThrow('line 42: not JSON');
  });
});
