/** A ZIP's name length is a 16-bit field (APPNOTE.TXT 4.4.10). In bytes of UTF-8. */
const MAX_NAME_BYTES = 0xffff;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f]/;
const DRIVE_LETTER = /^[A-Za-z]:/;

/**
 * What keeps a path from being a relative one with `/` between its segments that stays below the folder
 * that it is joined to, on every system; undefined where nothing does. A leading `./` is allowed. The
 * answer ends a sentence that begins with the path.
 */
export function pathFlaw(path: string): string | undefined {
  if (path === '') return 'the name is empty';
  if (path.includes('\0')) return 'the name holds a NUL character';
  if (CONTROL_CHARACTER.test(path)) return 'the name holds a control character';
  if (path.includes('\\')) return 'the name holds a backslash';
  if (path.startsWith('/')) return 'the name is an absolute path';
  if (DRIVE_LETTER.test(path)) return 'the name starts with a drive letter';
  if (path.includes('..') && path.split('/').includes('..')) return 'the name climbs with ".."';
  // Only what might be too long is counted; no character has more than three bytes a UTF-16 unit.
  if (path.length * 3 <= MAX_NAME_BYTES) return undefined;
  const bytes = new TextEncoder().encode(path).length;
  if (bytes > MAX_NAME_BYTES) return `the name has ${bytes} bytes, the limit is ${MAX_NAME_BYTES}`;
  return undefined;
}
