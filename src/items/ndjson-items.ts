import type { ItemRecord } from './item.ts';
import { checkItem, type ItemRules, lineError, type RecordReader } from './record-reader.ts';

const LINE_FEED = 0x0a;

/**
 * Reads items of a file with a JSON object a line (NDJSON): its `id`, its `value`, and whatever fields
 * it has beside them. Blank lines are passed over. Throws `ItemsError` by line.
 */
export class NdjsonItems implements RecordReader {
  readonly #rules: ItemRules;
  #line: number;
  /** Where the first byte of `#rest` lies. */
  #position: number;
  #rest: Buffer = Buffer.alloc(0);

  constructor(rules: ItemRules) {
    this.#rules = rules;
    this.#line = rules.line;
    this.#position = rules.start;
  }

  async push(bytes: Buffer): Promise<readonly ItemRecord[]> {
    const buffer = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const records: ItemRecord[] = [];
    let start = 0;
    for (
      let end = buffer.indexOf(LINE_FEED, this.#rest.length);
      end >= 0;
      end = buffer.indexOf(LINE_FEED, start)
    ) {
      this.#read(buffer, start, end + 1, records);
      start = end + 1;
    }
    // A copy: the bytes are somebody else's buffer.
    this.#rest = Buffer.from(buffer.subarray(start));
    if (this.#rest.length > this.#rules.maxRecordBytes) throw this.#tooLong();
    return records;
  }

  async end(): Promise<readonly ItemRecord[]> {
    const records: ItemRecord[] = [];
    this.#read(this.#rest, 0, this.#rest.length, records);
    return records;
  }

  #read(buffer: Buffer, start: number, end: number, records: ItemRecord[]): void {
    if (end - start > this.#rules.maxRecordBytes) throw this.#tooLong();
    const line = this.#line;
    // A byte order mark is trimmed, too.
    const text = buffer.toString('utf8', start, end).trim();
    this.#line += 1;
    this.#position += end - start;
    if (text === '') return;
    const { id, value, ...fields } = this.#parse(text, line);
    const item = { ...checkItem(this.#rules, line, id, value), fields };
    const nextLine = buffer[end - 1] === LINE_FEED ? line + 1 : line;
    records.push({ item, end: this.#position, line, nextLine });
  }

  #parse(text: string, line: number): Record<string, unknown> {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch (error) {
      const { message } = error as Error;
      // Its line is that within the text.
      const problem = message.replace(/ \(line \d+ column \d+\)$/, '');
      throw lineError(this.#rules, line, `not JSON: ${problem}`);
    }
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) {
      return json as Record<string, unknown>;
    }
    throw lineError(this.#rules, line, 'expected a JSON object with id and value');
  }

  #tooLong() {
    const { maxRecordBytes } = this.#rules;
    const problem = `the line has more than ${maxRecordBytes} bytes; shorten it, or raise MAX_ROW_BYTES`;
    return lineError(this.#rules, this.#line, problem);
  }
}
