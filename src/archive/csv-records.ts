import { CsvError, parse } from 'csv-parse/sync';
import {
  type CsvFile,
  columnCountProblem,
  type ManifestRow,
  type RowRules,
  rowError,
  rowTooLong,
  skipBlankLines,
} from './csv-rows.ts';

/** A record as csv-parse reads it, and where its bytes lie; `end` is behind its line break. */
export interface CsvRecord {
  readonly fields: readonly string[];
  readonly start: number;
  readonly end: number;
}

/**
 * Reads the records of `file` from offset `from` on as RFC 4180 has them, line breaks `\n` and
 * `\r\n` mixed as they come, and hands each to `onRecord`; blank lines are passed over. `limit`
 * ends the reading after so many records.
 *
 * Throws `ManifestError` by line where a quote stands in the wrong place or never closes, and
 * `LimitError` where a record is longer than `maxRowBytes`.
 */
export function readRecords(
  file: CsvFile,
  from: number,
  onRecord: (record: CsvRecord) => void,
  limit?: number,
): void {
  let position = from;
  try {
    parse(file.bytes.subarray(from), {
      // Named, because csv-parse would take the first line break that it sees for all of them.
      record_delimiter: ['\r\n', '\n'],
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: file.maxRowBytes,
      ...(limit === undefined ? {} : { to: limit }),
      on_record: (fields: string[], info) => {
        const start = skipBlankLines(file.bytes, position);
        // `info.bytes` counts from where csv-parse began to the end of the record's line break.
        position = from + info.bytes;
        if (position - start > file.maxRowBytes) throw rowTooLong(file, start);
        onRecord({ fields, start, end: position });
        return null; // keeps csv-parse from collecting the records
      },
    });
  } catch (error) {
    if (error instanceof CsvError) {
      throw recordError(file, skipBlankLines(file.bytes, position), error);
    }
    throw error;
  }
}

/**
 * Reads the rows of a manifest in which no quote follows a backslash, so that RFC 4180 and PHP read
 * the same. Throws as `readRecords` does, and `ManifestError` by line where a row does not have the
 * header's number of columns.
 */
export function readPlainRows(rules: RowRules): ManifestRow[] {
  const rows: ManifestRow[] = [];
  readRecords(rules, rules.headerEnd, ({ fields, start, end }) => {
    if (fields.length !== rules.columns) {
      throw rowError(rules, start, columnCountProblem(`${fields.length}`, rules.columns));
    }
    rows.push({ start, end, image: fields[rules.imageIndex] ?? '' });
  });
  return rows;
}

function recordError(file: CsvFile, start: number, error: CsvError): Error {
  switch (error.code) {
    case 'CSV_MAX_RECORD_SIZE':
      return rowTooLong(file, start);
    case 'CSV_QUOTE_NOT_CLOSED':
      return rowError(file, start, 'a quoted field never ends; close its quote');
    case 'CSV_INVALID_CLOSING_QUOTE':
      return rowError(file, start, 'a field goes on behind its closing quote; double inner quotes');
    case 'INVALID_OPENING_QUOTE':
      return rowError(file, start, 'a quote stands inside an unquoted field; quote the field');
    default:
      return rowError(file, start, error.message);
  }
}
