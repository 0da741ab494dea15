import { readBackslashRows } from './csv-backslash-rows.ts';
import { type CsvRecord, readPlainRows, readRecords } from './csv-records.ts';
import { type CsvFile, lineAt, type ManifestRow, rowError } from './csv-rows.ts';
import { quoteName } from './entry-names.ts';
import { ManifestError } from './errors.ts';
import { assertUtf8Text, bomLength } from './manifest-encoding.ts';

/** A manifest as a table of contents of its own bytes; the bytes stay as they are. */
export interface Manifest {
  /** The manifest's entry. */
  readonly name: string;
  readonly bytes: Buffer;
  /** The header's cells. */
  readonly columns: readonly string[];
  /** Offset just behind the header's line break; the byte order mark lies before it too. */
  readonly headerEnd: number;
  /** At least one. Blank lines are in no row. */
  readonly rows: readonly ManifestRow[];
}

export interface ManifestOptions {
  /** The manifest's entry, for messages. */
  readonly name: string;
  /** The header cell of the column with the image names, matched exactly. */
  readonly imageColumn: string;
  /** Limit on one row and on the header, line break included, in bytes (`MAX_ROW_BYTES`). */
  readonly maxRowBytes: number;
}

/** How many columns an error message lists. */
const LISTED_COLUMNS = 40;

/**
 * Finds the rows of a manifest CSV and the image that each names. The dialect: comma, `"` where
 * needed, line breaks `\n` and `\r\n` mixed as they come, UTF-8 with or without a byte order mark, a
 * header, inner quotes doubled (RFC 4180), or not doubled behind a backslash (PHP's `fputcsv`).
 *
 * Throws `ManifestError`, with the line where there is one: not UTF-8 text, no header, no image
 * column or two, no rows, a row with another number of columns than the header or with wrong quotes,
 * a row that can be read two ways, a row without an image. Throws `LimitError` where a row is longer
 * than `maxRowBytes`.
 */
export function parseManifest(bytes: Buffer, options: ManifestOptions): Manifest {
  const { name, imageColumn, maxRowBytes } = options;
  assertUtf8Text(name, bytes);
  const file: CsvFile = { name, bytes, maxRowBytes };
  const { fields: columns, end: headerEnd } = readHeader(file);
  const imageIndex = findImageColumn(name, columns, imageColumn);
  const rules = { ...file, headerEnd, columns: columns.length, imageIndex };
  const rows = bytes.includes('\\"', headerEnd) ? readBackslashRows(rules) : readPlainRows(rules);
  if (rows.length === 0) {
    throw new ManifestError(`Manifest ${quoteName(name)}: has a header but no rows`);
  }
  const nameless = rows.find((row) => row.image === '');
  if (nameless !== undefined) {
    throw rowError(file, nameless.start, `the column ${quoteName(imageColumn)} is empty`);
  }
  return { name, bytes, columns, headerEnd, rows };
}

/**
 * The manifest of the rows from index `fromRow` up to, not including, `toRow`: the header's bytes,
 * byte order mark included, and the rows' bytes, unchanged. Blank lines between rows are left out.
 */
export function manifestSlice(manifest: Manifest, fromRow: number, toRow: number): Buffer {
  const { bytes, headerEnd, rows } = manifest;
  const pieces = [bytes.subarray(0, headerEnd)];
  let run: { start: number; end: number } | undefined;
  for (const { start, end } of rows.slice(fromRow, toRow)) {
    if (run?.end === start) {
      run.end = end;
      continue;
    }
    if (run !== undefined) pieces.push(bytes.subarray(run.start, run.end));
    run = { start, end };
  }
  if (run !== undefined) pieces.push(bytes.subarray(run.start, run.end));
  return Buffer.concat(pieces);
}

/** The line that a row begins on, counted from 1. */
export function lineOfRow(manifest: Manifest, row: ManifestRow): number {
  return lineAt(manifest.bytes, row.start);
}

function readHeader(file: CsvFile): CsvRecord {
  const headers: CsvRecord[] = [];
  readRecords(file, bomLength(file.bytes), (record) => headers.push(record), 1);
  const [header] = headers;
  if (header === undefined) throw new ManifestError(`Manifest ${quoteName(file.name)}: is empty`);
  return header;
}

function findImageColumn(name: string, columns: readonly string[], imageColumn: string): number {
  const index = columns.indexOf(imageColumn);
  if (index === -1) {
    const listed = columns.slice(0, LISTED_COLUMNS).map(quoteName).join(', ');
    const more =
      columns.length > LISTED_COLUMNS ? ` and ${columns.length - LISTED_COLUMNS} more` : '';
    throw new ManifestError(
      `Manifest ${quoteName(name)}: has no column ${quoteName(imageColumn)} (IMAGE_COLUMN), only ${listed}${more}`,
    );
  }
  if (columns.includes(imageColumn, index + 1)) {
    throw new ManifestError(
      `Manifest ${quoteName(name)}: has the column ${quoteName(imageColumn)} twice; keep one`,
    );
  }
  return index;
}
