/**
 * A CSV line as PHP's `fputcsv` writes it with its defaults (comma, `"`, escape character `\`), from
 * `php_fputcsv` in PHP's ext/standard/file.c, without its line break. A field is quoted where it holds
 * a comma, quote, backslash, newline, carriage return, tab or space; a quote in it is doubled, but
 * for one that directly follows a backslash.
 */
export function phpCsvLine(fields: readonly string[]): string {
  return fields.map(phpCsvField).join(',');
}

function phpCsvField(field: string): string {
  if (!/[,"\\\n\r\t ]/.test(field)) return field;
  return `"${field.replaceAll(/(?<!\\)"/g, '""')}"`;
}
