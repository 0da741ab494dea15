import {
  BACKSLASH,
  COMMA,
  columnCountProblem,
  lineBreakLength,
  type ManifestRow,
  QUOTE,
  type RowRules,
  rowError,
  rowTooLong,
  skipBlankLines,
} from './csv-rows.ts';

/** How far the rows are read, and what was found on the way. */
interface Reading {
  readonly position: number;
  /** Start of the row that `position` lies in. */
  readonly rowStart: number;
  /** Fields of that row before the one at `position`. */
  readonly column: number;
  /** Start of the quoted field that `position` lies in; undefined at the start of a field. */
  readonly openedAt: number | undefined;
  /** The value of that row's image field, once it is read. */
  readonly image: string | undefined;
  /** The rows before that one, last first. */
  readonly rows: RowList | undefined;
}

interface RowList {
  readonly row: ManifestRow;
  readonly previous: RowList | undefined;
}

/** Why a reading can't go on; of several the one with the largest `failedAt` is told. */
interface Failure {
  readonly failedAt: number;
  readonly error: () => Error;
}

/** What follows a reading, and where the bytes leave a choice, what follows the other way. */
interface Step {
  readonly next: Reading | Failure;
  readonly otherwise?: Reading | Failure;
}

/**
 * Reads the rows of a manifest in which quotes follow backslashes. PHP's `fputcsv` (`php_fputcsv` in
 * ext/standard/file.c) doubles the quotes of a field but for one that follows a backslash, and
 * nothing in the file tells that writer from one that follows RFC 4180, nor a `\"` in the middle of a
 * field from one that ends it. What the two writers have in common:
 *
 * - a run of quotes behind a backslash, in a quoted field, is text; or, where a comma, a line break
 *   or the end of the file follows, it is text and then the closing quote: the one choice there is;
 * - any other run in a quoted field is text if it is even, else its last quote closes the field, and
 *   a comma, a line break or the end must follow;
 * - an unquoted field holds no quote, and a row has the header's number of columns.
 *
 * csv-parse takes one escape character and can't go back on a choice; this can. At most one way of
 * choosing reads the file to its end: after a choice one reading is inside a field and the other is
 * not, any run keeps it so, save that a run behind a backslash ends the one outside, and the end of
 * the file ends the one inside. So the rows are those that were written, whichever wrote each of
 * them, and since a choice settles the one before it, one alternative is all that is kept.
 *
 * Throws `ManifestError` by line where no way of choosing fits, and `LimitError` where a row is
 * longer than `maxRowBytes`. Takes time in proportion to the file: it is read twice at most.
 */
export function readBackslashRows(rules: RowRules): ManifestRow[] {
  let reading = readingAt(skipBlankLines(rules.bytes, rules.headerEnd), undefined);
  let alternative: Reading | Failure | undefined;
  let furthest: Failure | undefined;
  while (!isAtEnd(rules, reading)) {
    const step = readOn(rules, reading);
    alternative = step.otherwise ?? alternative;
    let next: Reading | Failure | undefined = step.next;
    while (next === undefined || 'failedAt' in next) {
      if (next === undefined) throw furthest?.error();
      if (furthest === undefined || next.failedAt > furthest.failedAt) furthest = next;
      next = alternative;
      alternative = undefined;
    }
    reading = next;
  }
  const rows: ManifestRow[] = [];
  for (let list = reading.rows; list !== undefined; list = list.previous) rows.push(list.row);
  return rows.reverse();
}

function readingAt(start: number, rows: RowList | undefined): Reading {
  return {
    position: start,
    rowStart: start,
    column: 0,
    openedAt: undefined,
    image: undefined,
    rows,
  };
}

function isAtEnd({ bytes }: RowRules, { position, column, openedAt }: Reading): boolean {
  return position === bytes.length && column === 0 && openedAt === undefined;
}

/** Reads on to the end of a field, or to a choice. */
function readOn(rules: RowRules, reading: Reading): Step {
  const { bytes } = rules;
  const { position, openedAt } = reading;
  const field = `column ${reading.column + 1}`;
  if (openedAt === undefined && bytes[position] !== QUOTE) {
    const end = unquotedEnd(bytes, position);
    if (bytes[end] !== QUOTE) return { next: endField(rules, reading, position, end) };
    return { next: failure(rules, reading, end, `${field} is not quoted but holds a quote`) };
  }
  const start = openedAt ?? position;
  let quote = bytes.indexOf(QUOTE, openedAt === undefined ? position + 1 : position);
  while (quote !== -1) {
    const end = runEnd(bytes, quote);
    if (bytes[quote - 1] === BACKSLASH) {
      if (endsField(bytes, end)) {
        return {
          next: endField(rules, reading, start, end),
          otherwise: withinLimit(rules, { ...reading, position: end, openedAt: start }),
        };
      }
    } else if ((end - quote) % 2 === 1) {
      if (endsField(bytes, end)) return { next: endField(rules, reading, start, end) };
      return { next: failure(rules, reading, end, `${field} goes on behind its closing quote`) };
    }
    quote = bytes.indexOf(QUOTE, end);
  }
  const unclosed = failure(rules, reading, bytes.length, `${field} is quoted but never ends`);
  // Counted from its last quote, because a choice that is wrong ends so wherever the file is broken.
  return { next: { ...unclosed, failedAt: position } };
}

/** Goes on behind the field from `start` to `end` and the comma or line break after it. */
function endField(
  rules: RowRules,
  reading: Reading,
  start: number,
  end: number,
): Reading | Failure {
  const { bytes, columns } = rules;
  const column = reading.column + 1;
  const isImage = reading.column === rules.imageIndex;
  const image = isImage ? fieldValue(bytes, start, end) : reading.image;
  const isLast = bytes[end] !== COMMA;
  if (!isLast && column < columns) {
    const position = end + 1;
    return withinLimit(rules, { ...reading, position, column, openedAt: undefined, image });
  }
  if (!isLast || column < columns || image === undefined) {
    const count = isLast ? `${column}` : `over ${column}`;
    return failure(rules, reading, end, columnCountProblem(count, columns));
  }
  const rowEnd = end + lineBreakLength(bytes, end);
  const ended = withinLimit(rules, { ...reading, position: rowEnd });
  if ('failedAt' in ended) return ended;
  const row = { start: reading.rowStart, end: rowEnd, image };
  return readingAt(skipBlankLines(bytes, rowEnd), { row, previous: reading.rows });
}

function withinLimit(rules: RowRules, reading: Reading): Reading | Failure {
  const { position, rowStart } = reading;
  if (position - rowStart <= rules.maxRowBytes) return reading;
  return { failedAt: position, error: () => rowTooLong(rules, rowStart) };
}

function failure(
  rules: RowRules,
  { rowStart }: Reading,
  failedAt: number,
  problem: string,
): Failure {
  const isTooLong = failedAt - rowStart > rules.maxRowBytes;
  return {
    failedAt,
    error: () => (isTooLong ? rowTooLong(rules, rowStart) : rowError(rules, rowStart, problem)),
  };
}

/**
 * The value of a field. A pair of quotes stands for one, and behind a backslash a run may be odd, one
 * quote of it not doubled. The backslash is part of the value, as it is for PHP.
 */
function fieldValue(bytes: Buffer, start: number, end: number): string {
  if (bytes[start] !== QUOTE) return bytes.toString('utf8', start, end);
  return bytes.toString('utf8', start + 1, end - 1).replaceAll(/""?/g, '"');
}

/** The end of an unquoted field: the comma, line break or end behind it, or a quote in it. */
function unquotedEnd(bytes: Buffer, start: number): number {
  let end = start;
  while (bytes[end] !== QUOTE && !endsField(bytes, end)) end++;
  return end;
}

function endsField(bytes: Buffer, at: number): boolean {
  return at === bytes.length || bytes[at] === COMMA || lineBreakLength(bytes, at) !== 0;
}

function runEnd(bytes: Buffer, quote: number): number {
  let end = quote + 1;
  while (bytes[end] === QUOTE) end++;
  return end;
}
