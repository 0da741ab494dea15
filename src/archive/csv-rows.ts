import { quoteName } from './entry-names.ts';
import { LimitError, ManifestError } from './errors.ts';

/** A row of a manifest: where its bytes lie, and the image that it names. */
export interface ManifestRow {
  /** Offset of the row's first byte in the manifest. */
  readonly start: number;
  /** Offset just behind the row's line break, or the end of the file where it has none. */
  readonly end: number;
  /** The value of the image column, without its quoting. */
  readonly image: string;
}

/** A manifest's bytes, the name of its entry for messages, and the limit on a row in bytes. */
export interface CsvFile {
  readonly name: string;
  readonly bytes: Buffer;
  readonly maxRowBytes: number;
}

/** What the rows of a manifest are held against once its header is known. */
export interface RowRules extends CsvFile {
  /** Offset just behind the header. */
  readonly headerEnd: number;
  /** The header's number of columns. */
  readonly columns: number;
  /** Index of the image column. */
  readonly imageIndex: number;
}

export const COMMA = 0x2c;
export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;
export const LINE_FEED = 0x0a;
export const CARRIAGE_RETURN = 0x0d;

/** Length in bytes of the line break at `offset`, `\n` or `\r\n`; 0 where there is none. */
export function lineBreakLength(bytes: Buffer, offset: number): 0 | 1 | 2 {
  const byte = bytes[offset];
  if (byte === LINE_FEED) return 1;
  return byte === CARRIAGE_RETURN && bytes[offset + 1] === LINE_FEED ? 2 : 0;
}

/** The first offset from `offset` on where no line break stands: blank lines are no rows. */
export function skipBlankLines(bytes: Buffer, offset: number): number {
  let position = offset;
  for (;;) {
    const length = lineBreakLength(bytes, position);
    if (length === 0) return position;
    position += length;
  }
}

/** The line that `offset` lies in, counted from 1 as an editor does: a quoted newline counts. */
export function lineAt(bytes: Buffer, offset: number): number {
  let line = 1;
  for (
    let at = bytes.indexOf(LINE_FEED);
    at !== -1 && at < offset;
    at = bytes.indexOf(LINE_FEED, at + 1)
  ) {
    line++;
  }
  return line;
}

/** The error of the row that begins at `start`: the entry, the line, what is wrong. */
export function rowError(file: CsvFile, start: number, problem: string): ManifestError {
  const line = lineAt(file.bytes, start);
  return new ManifestError(`Manifest ${quoteName(file.name)}, line ${line}: ${problem}`);
}

/** The error of a row over the limit. A quote that never closes looks the same, so it says so. */
export function rowTooLong(file: CsvFile, start: number): LimitError {
  const line = lineAt(file.bytes, start);
  return new LimitError(
    `Manifest ${quoteName(file.name)}, line ${line}: the row has more than ${file.maxRowBytes} bytes; ` +
      'close its open quote if there is one, else raise MAX_ROW_BYTES',
  );
}

/** What is wrong with a row that has `count` fields, for `rowError`. */
export function columnCountProblem(count: string, columns: number): string {
  return `the row's column count is ${count}, the header's is ${columns}; quote fields that hold commas or newlines`;
}
