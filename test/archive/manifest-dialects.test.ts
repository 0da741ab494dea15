import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBackslashRows } from '../../src/archive/csv-backslash-rows.ts';
import { readPlainRows } from '../../src/archive/csv-records.ts';
import type { RowRules } from '../../src/archive/csv-rows.ts';
import { ArchiveError } from '../../src/archive/errors.ts';
import { manifestSlice, parseManifest } from '../../src/archive/manifest.ts';
import { phpCsvLine } from '../../src/local/php-csv.ts';

const OPTIONS = { name: 'manifest.csv', imageColumn: 'imageName', maxRowBytes: 10_000 };

/** A CSV line as RFC 4180 has it, and Python and most others write it. */
function rfcCsvLine(fields: readonly string[]): string {
  return fields
    .map((field) => (/[,"\n\r]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field))
    .join(',');
}

/** Texts that are mostly what quoting is about. */
const cell = fc
  .array(fc.constantFrom('"', '"', '\\', '\\', ',', '\n', '\r\n', 'a', ' ', 'é', '木'), {
    maxLength: 8,
  })
  .map((atoms) => atoms.join(''));

/** A table, each row in a dialect and with a line break of its own, and what should be found. */
const table = fc
  .record({ columns: fc.integer({ min: 1, max: 5 }), image: fc.nat(4), bom: fc.boolean() })
  .chain(({ columns, image, bom }) => {
    const imageIndex = image % columns;
    const lineBreak = fc.constantFrom('\n', '\r\n');
    const row = fc.record({
      fields: fc.array(cell, { minLength: columns, maxLength: columns }),
      write: fc.constantFrom(rfcCsvLine, phpCsvLine),
      lineBreak,
    });
    return fc
      .record({
        rows: fc.array(row, { minLength: 1, maxLength: 8 }),
        lineBreak,
        open: fc.boolean(),
      })
      .map(({ rows, lineBreak, open }) => {
        const columnNames = Array.from({ length: columns }, (_, index) => `c${index}`);
        columnNames[imageIndex] = 'imageName';
        const header = `${bom ? '\ufeff' : ''}${columnNames.join(',')}${lineBreak}`;
        const images = rows.map(({ fields }) => fields[imageIndex] ?? '');
        const lines = rows.map(({ fields, write, lineBreak }, index) =>
          open && index === rows.length - 1 ? write(fields) : write(fields) + lineBreak,
        );
        return { header, lines, images };
      });
  })
  .filter(({ images }) => images.every((image) => image !== ''));

describe('a manifest', () => {
  it("that PHP's own fputcsv wrote is read as it was meant", () => {
    const bytes = readFileSync(new URL('../fixtures/php-fputcsv.csv', import.meta.url));
    const json = readFileSync(new URL('../fixtures/php-fputcsv.json', import.meta.url), 'utf8');
    const lines = JSON.parse(json) as string[][];
    const written = lines.map((fields) => `${phpCsvLine(fields)}\n`);
    expect(written.join('')).toBe(bytes.toString());
    const { rows } = parseManifest(bytes, OPTIONS);
    expect(rows.map(({ start, end }) => bytes.toString('utf8', start, end))).toEqual(
      written.slice(1),
    );
    expect(rows.map(({ image }) => image)).toEqual(lines.slice(1).map((fields) => fields[1]));
  });

  it('gives the rows and images that were written, whichever dialect each row is in', () => {
    fc.assert(
      fc.property(table, ({ header, lines, images }) => {
        const bytes = Buffer.from(header + lines.join(''));
        const { rows } = parseManifest(bytes, OPTIONS);
        expect(rows.map(({ start, end }) => bytes.toString('utf8', start, end))).toEqual(lines);
        expect(rows.map(({ image }) => image)).toEqual(images);
      }),
      { numRuns: 2000 },
    );
  });

  it('is the header and the rows of its slices, joined', () => {
    fc.assert(
      fc.property(table, fc.integer({ min: 1, max: 4 }), ({ header, lines }, size) => {
        const bytes = Buffer.from(header + lines.join(''));
        const manifest = parseManifest(bytes, OPTIONS);
        const slices = [];
        for (let row = 0; row < lines.length; row += size) {
          const slice = manifestSlice(manifest, row, Math.min(row + size, lines.length));
          expect(slice.subarray(0, manifest.headerEnd).toString()).toBe(header);
          slices.push(slice.subarray(manifest.headerEnd));
        }
        expect(header + Buffer.concat(slices)).toBe(bytes.toString());
      }),
      { numRuns: 500 },
    );
  });

  it('without a backslash before a quote is the same to both readers', () => {
    const rows = fc.array(fc.constantFrom('"', '"', ',', '\n', '\r\n', '\\a', 'b'), {
      maxLength: 30,
    });
    const outcome = (read: (rules: RowRules) => unknown, rules: RowRules) => {
      try {
        return read(rules);
      } catch (error) {
        return error instanceof ArchiveError && error.message.replace(/: [^:]*$/, '');
      }
    };
    fc.assert(
      fc.property(rows, (atoms) => {
        const bytes = Buffer.from(`imageName,c\n${atoms.join('')}`);
        const rules = { ...OPTIONS, bytes, headerEnd: 12, columns: 2, imageIndex: 0 };
        expect(outcome(readBackslashRows, rules)).toEqual(outcome(readPlainRows, rules));
      }),
      { numRuns: 5000 },
    );
  });

  it('of arbitrary text gives rows that cover it, or a clean error', () => {
    const text = fc.array(fc.constantFrom('"', '\\', ',', '\n', '\r', 'a'), { maxLength: 60 });
    fc.assert(
      fc.property(text, (atoms) => {
        const bytes = Buffer.from(`imageName,c\n${atoms.join('')}`);
        try {
          const { rows, headerEnd } = parseManifest(bytes, OPTIONS);
          let end = headerEnd;
          for (const row of rows) {
            expect(bytes.toString('utf8', end, row.start)).toMatch(/^[\r\n]*$/);
            end = row.end;
          }
          expect(bytes.toString('utf8', end)).toMatch(/^[\r\n]*$/);
        } catch (error) {
          expect(error).toBeInstanceOf(ArchiveError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
