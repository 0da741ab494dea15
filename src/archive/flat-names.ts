import { entryError, quoteName } from './entry-names.ts';

/** The longest name of a file on ext4, XFS, APFS and, in UTF-16 units, NTFS. In bytes of UTF-8. */
const MAX_FILE_NAME_BYTES = 255;

/**
 * A name as a file system sees it that knows neither case nor canonical Unicode form. Upper case is
 * taken in full (`ß` is `SS`), as APFS and ext4 fold it; NTFS folds a little less. Compatibility forms
 * (`²` and `2`) are two names on all of them, and so they are here.
 */
export function foldName(name: string): string {
  return name.normalize('NFC').toUpperCase().normalize('NFC');
}

/**
 * Throws `ArchiveError` where two of the names would be one file when unpacked on Windows or macOS,
 * or where a name is too long for any file system.
 */
export function assertDistinctNames(names: ReadonlySet<string>): void {
  const byFolded = new Map<string, string>();
  for (const name of names) {
    const length = Buffer.byteLength(name);
    if (length > MAX_FILE_NAME_BYTES) {
      throw entryError(name, `the name has ${length} bytes, a file's has ${MAX_FILE_NAME_BYTES}`);
    }
    const folded = foldName(name);
    const other = byFolded.get(folded);
    if (other !== undefined) {
      throw entryError(name, `differs from ${quoteName(other)} only by case or Unicode form`);
    }
    byFolded.set(folded, name);
  }
}
