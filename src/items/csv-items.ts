import { CsvError, type Info, type Parser, parse } from 'csv-parse';
import { ItemsError } from './errors.ts';
import type { ItemRecord } from './item.ts';
import { LineBreaks } from './line-breaks.ts';
import { checkItem, type ItemRules, lineError, type RecordReader } from './record-reader.ts';

/** A byte order mark, as UTF-8 has it. */
const BOM = Buffer.from('\ufeff');

/** The cells of a CSV file's header, which the rest of the file is read by. */
export type CsvColumns = readonly string[];

/**
 * Reads items of a CSV file: RFC 4180, UTF-8 with or without a byte order mark, line breaks `\n` and
 * `\r\n`, a header that has the columns `id` and `value` and may have others. Throws {@link ItemsError}
 * by line.
 */
export class CsvItems implements RecordReader {
  readonly #rules: ItemRules;
  readonly #parser: Parser;
  readonly #lineBreaks = new LineBreaks();
  /** Where csv-parse began to count. */
  #start: number;
  /** Where the bytes end that have come so far. */
  #pushed: number;
  /** Where the last record ended: offset, line, and the blank lines that csv-parse had met. */
  #end: number;
  #line: number;
  #blankLines = 0;
  #columns: CsvColumns | undefined;
  #shape: Shape | undefined;
  #batch: ItemRecord[] = [];
  #fault: unknown;

  /** @param columns the header's cells where reading begins behind it */
  constructor(rules: ItemRules, columns?: CsvColumns) {
    this.#rules = rules;
    this.#start = this.#pushed = this.#end = rules.start;
    this.#line = rules.line;
    if (columns) this.#setColumns(columns);
    this.#parser = parse({
      // Named, because csv-parse would take the first line break that it sees for all of them.
      record_delimiter: ['\r\n', '\n'],
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: rules.maxRecordBytes,
      on_record: (cells: string[], info) => {
        this.#read(cells, info);
        return null; // keeps csv-parse from handing out the records
      },
    });
    // Each call is told of its error; without a listener the event would end the process.
    this.#parser.on('error', () => {});
    this.#parser.resume();
  }

  get columns(): CsvColumns | undefined {
    return this.#columns;
  }

  async push(bytes: Buffer): Promise<readonly ItemRecord[]> {
    const text = this.#pushed === 0 ? this.#withoutBom(bytes) : bytes;
    this.#lineBreaks.add(text, this.#pushed);
    this.#pushed += text.length;
    await this.#settled((done) => this.#parser.write(text, done));
    const records = this.#take();
    // csv-parse adds up cells, and would never stop at a line of commas.
    if (this.#pushed - this.#end > this.#rules.maxRecordBytes) throw this.#tooLong(this.#line);
    return records;
  }

  async end(): Promise<readonly ItemRecord[]> {
    await this.#settled((done) => this.#parser.end(done));
    const records = this.#take();
    if (!this.#columns) throw new ItemsError(`${this.#rules.name}: is empty; expected a header`);
    return records;
  }

  async #settled(call: (done: (error?: Error | null) => void) => void): Promise<void> {
    await new Promise<void>((resolve) => {
      call((error) => {
        this.#fault ??= error;
        resolve();
      });
    });
  }

  #take(): readonly ItemRecord[] {
    if (this.#fault) throw this.#described(this.#fault);
    const batch = this.#batch;
    this.#batch = [];
    return batch;
  }

  #read(cells: readonly string[], { empty_lines: blankLines, bytes }: Info): void {
    const line = this.#lineBehind(blankLines);
    this.#blankLines = blankLines;
    this.#end = this.#start + bytes;
    // Counted here: csv-parse takes a line break of two characters within quotes for two.
    this.#line += this.#lineBreaks.takeBefore(this.#end);
    if (!this.#columns) {
      this.#setColumns(cells);
      return;
    }
    if (cells.length !== this.#columns.length) {
      throw lineError(
        this.#rules,
        line,
        `the row's column count is ${cells.length}, the header's is ${this.#columns.length}; quote cells that hold commas or newlines`,
      );
    }
    const { id, value, others } = this.#shape as Shape;
    const item = checkItem(this.#rules, line, cells[id], readNumber(cells[value ?? -1]));
    this.#batch.push({
      item: others.length === 0 ? item : { ...item, fields: pick(cells, others) },
      end: this.#end,
      line,
      nextLine: this.#line,
    });
  }

  /** The line of the next record, where csv-parse has met so many blank lines before it. */
  #lineBehind(blankLines: number): number {
    return this.#line + blankLines - this.#blankLines;
  }

  /** csv-parse would take the mark for a part of the first cell. */
  #withoutBom(bytes: Buffer): Buffer {
    if (!bytes.subarray(0, BOM.length).equals(BOM)) return bytes;
    this.#start = this.#pushed = BOM.length;
    return bytes.subarray(BOM.length);
  }

  #setColumns(columns: readonly string[]): void {
    this.#shape = shapeOf(this.#rules, columns);
    this.#columns = columns;
  }

  #described(error: unknown): unknown {
    if (!(error instanceof CsvError)) return error;
    const line = this.#lineBehind(Number(error.empty_lines ?? this.#blankLines));
    if (error.code === 'CSV_MAX_RECORD_SIZE') return this.#tooLong(line);
    return lineError(this.#rules, line, QUOTE_FAULTS[error.code] ?? error.message);
  }

  #tooLong(line: number): ItemsError {
    const { maxRecordBytes } = this.#rules;
    return lineError(
      this.#rules,
      line,
      `the row has more than ${maxRecordBytes} bytes; close its open quote if there is one, else raise MAX_ROW_BYTES`,
    );
  }
}

/** What csv-parse's errors mean. */
const QUOTE_FAULTS: Partial<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quoted cell never ends; close its quote',
  CSV_INVALID_CLOSING_QUOTE: 'a cell goes on behind its closing quote; double inner quotes',
  INVALID_OPENING_QUOTE: 'a quote stands inside an unquoted cell; quote the cell',
};

/** Where the cells of a row are that make an item. */
interface Shape {
  readonly id: number;
  readonly value: number | undefined;
  readonly others: readonly (readonly [name: string, index: number])[];
}

function shapeOf({ name, ignoresValue }: ItemRules, columns: readonly string[]): Shape {
  const wanted = ignoresValue ? ['id'] : ['id', 'value'];
  for (const column of wanted) {
    if (columns.includes(column)) continue;
    throw new ItemsError(`${name}: the header has no column "${column}", only ${list(columns)}`);
  }
  const twice = columns.find((column, index) => columns.indexOf(column) !== index);
  if (twice !== undefined) throw new ItemsError(`${name}: the header has "${twice}" twice`);
  const value = columns.indexOf('value');
  return {
    id: columns.indexOf('id'),
    value: value < 0 ? undefined : value,
    others: [...columns.entries()].flatMap(([index, column]) =>
      column === 'id' || column === 'value' ? [] : [[column, index] as const],
    ),
  };
}

function list(columns: readonly string[]): string {
  const shown = columns.slice(0, 20).map((column) => JSON.stringify(column));
  return columns.length > shown.length ? `${shown.join(', ')}, …` : shown.join(', ');
}

/** A whole number in decimal digits; other text stays what it is, to be shown. */
function readNumber(cell: string | undefined): unknown {
  return cell !== undefined && /^\d{1,15}$/.test(cell) ? Number(cell) : cell;
}

function pick(cells: readonly string[], columns: Shape['others']): Record<string, unknown> {
  return Object.fromEntries(columns.map(([name, index]) => [name, cells[index]]));
}
