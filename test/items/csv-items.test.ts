import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CsvItems } from '../../src/items/csv-items.ts';
import { ItemsError } from '../../src/items/errors.ts';
import type { ItemRecord } from '../../src/items/item.ts';
import type { ItemRules } from '../../src/items/record-reader.ts';
import { cuts, lineAt, readCut, WHOLE } from './cut-reading.ts';

const HEADER = ['note', 'id', 'naïve "x", y', 'value'];

const characters = fc.constantFrom('a', 'b', ' ', 'ü', '😀', ',', '"', '\n', '\r\n', '0', '\ufeff');
const cell = fc.string({ unit: characters, maxLength: 12 });
const lineBreak = fc.constantFrom('\n', '\r\n');

/** A row, whether its cells are quoted without need, and the line breaks behind it: some are blank lines. */
const row = fc.record({
  id: fc.string({ unit: characters, minLength: 1, maxLength: 12 }),
  value: fc.integer({ min: 0, max: 1000 }),
  note: cell,
  other: cell,
  isQuoted: fc.boolean(),
  breaks: fc.array(lineBreak, { minLength: 1, maxLength: 3 }),
});

const file = fc.record({
  hasBom: fc.boolean(),
  isCutShort: fc.boolean(),
  headerBreaks: fc.array(lineBreak, { minLength: 1, maxLength: 3 }),
  rows: fc.array(row, { maxLength: 12 }),
});

type CsvFile = typeof file extends fc.Arbitrary<infer F> ? F : never;

function rowText(cells: readonly string[], isQuoted: boolean): string {
  return cells
    .map((text) => (isQuoted || /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text))
    .join(',');
}

/** The bytes of a file, and the records that are to be found in them. */
function write({ hasBom, isCutShort, headerBreaks, rows }: CsvFile) {
  let text = `${hasBom ? '\ufeff' : ''}${rowText(HEADER, false)}${headerBreaks.join('')}`;
  const records: ItemRecord[] = [];
  for (const [index, { id, value, note, other, isQuoted, breaks }] of rows.entries()) {
    const line = lineAt(Buffer.from(text), Infinity);
    text += rowText([note, id, other, String(value)], isQuoted);
    const [first = '', ...blank] = isCutShort && index === rows.length - 1 ? [] : breaks;
    text += first;
    const fields = { note, 'naïve "x", y': other };
    const end = Buffer.byteLength(text);
    const nextLine = lineAt(Buffer.from(text), end);
    records.push({ item: { id, value, fields }, end, line, nextLine });
    text += blank.join('');
  }
  return { bytes: Buffer.from(text), records };
}

function read(text: string | Buffer, rules: Partial<ItemRules> = {}): Promise<ItemRecord[]> {
  return readCut(new CsvItems({ ...WHOLE, ...rules }), Buffer.from(text));
}

/** What the records of a text say, without where they lie. */
async function itemsOf(text: string, rules?: Partial<ItemRules>) {
  return (await read(text, rules)).map(({ item }) => item);
}

describe('the items of a CSV file', () => {
  test('are found with their offsets and lines, wherever its bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(file, cuts, async (one, blocks) => {
        const { bytes, records } = write(one);
        // The mark comes as a whole: the first block of a file is larger.
        const blocksOfFile = one.hasBom ? blocks.map((size) => size + 2) : blocks;
        const reader = new CsvItems(WHOLE);
        expect(await readCut(reader, bytes, blocksOfFile)).toEqual(records);
        expect(reader.columns).toEqual(HEADER);
      }),
    );
  });

  test('are found from the end of any other on', async () => {
    await fc.assert(
      fc.asyncProperty(file, cuts, async (one, blocks) => {
        const { bytes, records } = write(one);
        for (const [index, { end, nextLine }] of records.entries()) {
          const reader = new CsvItems({ ...WHOLE, start: end, line: nextLine }, HEADER);
          expect(await readCut(reader, bytes.subarray(end), blocks)).toEqual(
            records.slice(index + 1),
          );
        }
      }),
      { numRuns: 40 },
    );
  });

  test('keep the line breaks in their quotes', async () => {
    const [item] = await itemsOf('id,value,note\r\na,1,"x\r\ny\nz"\r\n');
    expect(item?.fields).toEqual({ note: 'x\r\ny\nz' });
  });

  test('keep a byte order mark that does not begin the file', async () => {
    const rows = Buffer.from('\ufeffa,1\n\ufeffb,2\n');
    const reader = new CsvItems({ ...WHOLE, start: 100, line: 5 }, ['id', 'value']);
    const records = await readCut(reader, rows);
    expect(records.map(({ item }) => item.id)).toEqual(['\ufeffa', '\ufeffb']);
    expect(records.at(-1)?.end).toBe(100 + rows.length);
  });

  test('have fields of any name', async () => {
    const [item] = await itemsOf('id,value,__proto__\na,1,x\n');
    expect(Object.entries(item?.fields ?? {})).toEqual([['__proto__', 'x']]);
  });

  test('have no fields where the file has no other columns', async () => {
    expect(await itemsOf('value,id\n7,a\n')).toEqual([{ id: 'a', value: 7, fields: {} }]);
  });

  test('need no value where the processor ignores it', async () => {
    const rules = { ignoresValue: true };
    expect(await itemsOf('id\na\n', rules)).toEqual([{ id: 'a', value: 0, fields: {} }]);
    expect(await itemsOf('id,value\na,\nb,5\n', rules)).toEqual([
      { id: 'a', value: 0, fields: {} },
      { id: 'b', value: 5, fields: {} },
    ]);
    await expect(read('id,value\na,1001\n', rules)).rejects.toThrow(
      'line 2: the value 1001 is not',
    );
  });

  test('are none where there is a header only', async () => {
    for (const text of ['id,value', 'id,value\n', '\n\nid,value\r\n\r\n']) {
      expect(await read(text)).toEqual([]);
    }
  });
});

describe('a CSV file is refused', () => {
  test.each([
    ['that is empty', '', ': is empty; expected a header'],
    ['that has blank lines only', '\n\r\n', ': is empty; expected a header'],
    [
      'without a column for ids',
      'ID,value\n',
      ': the header has no column "id", only "ID", "value"',
    ],
    ['without a column for values', 'id,n\n', ': the header has no column "value", only "id", "n"'],
    ['whose header has a column twice', 'id,value,x,x\n', ': the header has "x" twice'],
    [
      'that has a row with a cell too many',
      'id,value\na,1\nb,2,3\n',
      ", line 3: the row's column count is 3, the header's is 2; quote cells that hold commas or newlines",
    ],
    [
      'that has a row with a cell too few',
      'id,value\n\n"a\nb",1\nb\n',
      ", line 5: the row's column count is 1, the header's is 2; quote cells that hold commas or newlines",
    ],
    ['with an id that is empty', 'id,value\n"",1\n', ', line 2: the id "" is empty'],
  ])('%s', async (_, text, message) => {
    await expect(read(text)).rejects.toThrow(new ItemsError(`s3://bucket/key${message}`));
  });

  test.each(['', '1001', '1.5', '-1', '1e2', ' 7', '0x10', 'seven'])(
    'with the value "%s"',
    async (value) => {
      await expect(read(`id,value\na,1\n\nb,${value}\n`)).rejects.toThrow(
        new ItemsError(
          `s3://bucket/key, line 4: the value ${value === '1001' ? value : JSON.stringify(value)} is not a whole number from 0 to 1000`,
        ),
      );
    },
  );

  test('with an id that has too many bytes', async () => {
    await expect(read(`id,value\n${'ü'.repeat(512)},1\n`)).resolves.toHaveLength(1);
    await expect(read(`id,value\n${'ü'.repeat(512)}x,1\n`)).rejects.toThrow(
      /line 2: the id "ü{79}… has more than 1024 bytes$/,
    );
  });

  test('with an id that is not UTF-8', async () => {
    const bytes = Buffer.concat([
      Buffer.from('id,value\na'),
      Buffer.from([0xe4]),
      Buffer.from(',1'),
    ]);
    await expect(read(bytes)).rejects.toThrow(/line 2: the id .* is not UTF-8 text$/);
  });

  test('with a row that is too long', async () => {
    const rules = { maxRecordBytes: 100 };
    await expect(read(`id,value,x\na,1,${'x'.repeat(90)}\n`, rules)).resolves.toHaveLength(1);
    await expect(read(`id,value,x\na,1,\nb,1,${'x'.repeat(101)}\n`, rules)).rejects.toThrow(
      'line 3: the row has more than 100 bytes; close its open quote if there is one, else raise MAX_ROW_BYTES',
    );
  });

  test('with a quote that never closes: in a long file, and in a short one', async () => {
    const open = 'id,value\na,1\n"b,2\n';
    await expect(read(open)).rejects.toThrow('line 3: a quoted cell never ends; close its quote');
    const rules = { maxRecordBytes: 100 };
    await expect(read(open + 'c,3\n'.repeat(100), rules)).rejects.toThrow(
      'line 3: the row has more than 100 bytes; close its open quote',
    );
  });

  test.each([
    ['b"c,2', 'a quote stands inside an unquoted cell; quote the cell'],
    ['"b"c,2', 'a cell goes on behind its closing quote; double inner quotes'],
  ])('with the quotes of %s, by its line behind blank ones', async (text, problem) => {
    await expect(read(`id,value\n"a\r\na",1\n\n${text}\n`)).rejects.toThrow(`line 5: ${problem}`);
  });

  test('with a line of commas that never ends', async () => {
    const rules = { maxRecordBytes: 100 };
    await expect(read(`id,value\n${','.repeat(101)}`, rules)).rejects.toThrow(
      'line 2: the row has more than 100 bytes',
    );
  });

  test('by the line of the file, wherever reading began', async () => {
    const reader = new CsvItems({ ...WHOLE, start: 500, line: 40 }, ['id', 'value']);
    await expect(readCut(reader, Buffer.from('a,1\n\nb,x\n'), [1])).rejects.toThrow(
      'line 42: the value "x"',
    );
  });
});
