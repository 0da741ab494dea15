import { isUtf8 } from 'node:buffer';

/** Bytes of the longest character in UTF-8 (RFC 3629 section 3). */
const MAX_CHARACTER_BYTES = 4;

/**
 * The code unit that stands for byte 0x80 where it is not UTF-8; the others follow. These are second
 * halves of surrogate pairs, which text has never alone.
 */
const ESCAPE_BASE = 0xdc00;

/**
 * The text of a name in a TAR, which says nowhere what its bytes mean. GNU tar leaves them as they
 * are, and so does Python with its "surrogateescape" (PEP 383): what is UTF-8 is read as that, and
 * each byte that is not becomes a lone surrogate, 0xE9 is U+DCE9. The same is done here, because it
 * maps one to one: a guess like Latin-1 would give two files one name, `é` as one byte and as two.
 * A manifest is UTF-8, so no row of it can name such a file.
 */
export function decodeTarName(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  let text = '';
  for (let start = 0; start < bytes.length; ) {
    const length = characterLength(bytes, start);
    text +=
      length === undefined
        ? String.fromCharCode(ESCAPE_BASE + (bytes[start] as number))
        : bytes.toString('utf8', start, start + length);
    start += length ?? 1;
  }
  return text;
}

/** As `decodeTarName`, of a field or body that a NUL ends, where there is one. */
export function decodeTerminated(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return decodeTarName(end === -1 ? bytes : bytes.subarray(0, end));
}

/** Length in bytes of the character at `start`; undefined where the bytes are not UTF-8. */
function characterLength(bytes: Buffer, start: number): number | undefined {
  for (let length = 1; length <= MAX_CHARACTER_BYTES; length += 1) {
    if (isUtf8(bytes.subarray(start, start + length))) return length;
  }
  return undefined;
}
