import { isUtf8 } from 'node:buffer';
import { LINE_FEED, lineAt } from './csv-rows.ts';
import { quoteName } from './entry-names.ts';
import { ManifestError } from './errors.ts';

const UTF8_BOM = Buffer.from([0xef, 0xbb, 0xbf]);
const UTF16_BOMS = [Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])];

/** Length in bytes of the byte order mark that `bytes` begin with: 3 or 0. */
export function bomLength(bytes: Buffer): number {
  return bytes.subarray(0, UTF8_BOM.length).equals(UTF8_BOM) ? UTF8_BOM.length : 0;
}

/**
 * Throws `ManifestError` unless `bytes` are UTF-8 text without NUL characters. `name` is the
 * manifest's entry, for the message.
 */
export function assertUtf8Text(name: string, bytes: Buffer): void {
  const manifest = `Manifest ${quoteName(name)}`;
  if (UTF16_BOMS.some((bom) => bytes.subarray(0, bom.length).equals(bom))) {
    throw new ManifestError(`${manifest}: is UTF-16; save it as UTF-8`);
  }
  const nul = bytes.indexOf(0);
  if (nul !== -1) {
    throw new ManifestError(`${manifest}, line ${lineAt(bytes, nul)}: holds a NUL character`);
  }
  if (!isUtf8(bytes)) {
    const line = lineAt(bytes, invalidLineStart(bytes));
    throw new ManifestError(`${manifest}, line ${line}: is not UTF-8; save the file as UTF-8`);
  }
}

/** Start of the first line that is not UTF-8: a line break never lies inside a character. */
function invalidLineStart(bytes: Buffer): number {
  let start = 0;
  while (start < bytes.length) {
    const lineFeed = bytes.indexOf(LINE_FEED, start);
    const end = lineFeed === -1 ? bytes.length : lineFeed + 1;
    if (!isUtf8(bytes.subarray(start, end))) break;
    start = end;
  }
  return start;
}
