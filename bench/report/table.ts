import { formatTable } from '../../src/cli/format.ts';

/** The cells of a line; the first line of a table is its header. */
export type Row = readonly string[];

/** For a terminal. */
export function plainTable(rows: readonly Row[]): string {
  return formatTable(rows);
}

/** For a document: the first column to the left, the others to the right. */
export function markdownTable(rows: readonly Row[]): string {
  const [header = [], ...body] = rows;
  const rule = header.map((_, index) => (index === 0 ? '---' : '--:'));
  return [header, rule, ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
