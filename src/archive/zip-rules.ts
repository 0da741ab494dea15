import { assertSafeName, entryError } from './entry-names.ts';
import type { CentralEntry } from './zip-central.ts';
import {
  FLAG_ENCRYPTED,
  FLAG_MASKED_HEADERS,
  FLAG_STRONG_ENCRYPTION,
  isDirectory,
  METHOD_DEFLATE,
  METHOD_STORE,
} from './zip-entry.ts';

/** "Compressed patched data", APPNOTE.TXT 4.4.4: makes sense only beside the file that it patches. */
export const FLAG_PATCH = 1 << 5;

const ANY_ENCRYPTION = FLAG_ENCRYPTED | FLAG_STRONG_ENCRYPTION | FLAG_MASKED_HEADERS;

/**
 * The file type in a Unix mode (`S_IFMT`), which lies in the upper half of the external attributes,
 * and the two types of which an archive's entries may be. No type at all is a regular file.
 */
const MODE_TYPE_MASK = 0o170000;
const MODE_TYPE_LINK = 0o120000;
const MODE_TYPES_ALLOWED: readonly number[] = [0, 0o100000, 0o040000];

/**
 * Throws `ArchiveError` unless an entry is of the kind that is split and zipped here: a safe name, a
 * plain file or a directory, not encrypted, stored or deflated, with sizes that make sense.
 */
export function assertSupported(entry: CentralEntry): void {
  const { name, flags, method, compressedSize, uncompressedSize } = entry;
  assertSafeName(name);
  if (flags & ANY_ENCRYPTION) throw entryError(name, 'is encrypted');
  if (flags & FLAG_PATCH) throw entryError(name, 'is a patch to another file');
  if (method !== METHOD_STORE && method !== METHOD_DEFLATE) {
    throw entryError(
      name,
      `compression method ${method} is not supported, only 0 and 8 (store and deflate)`,
    );
  }
  if (method === METHOD_STORE && compressedSize !== uncompressedSize) {
    throw entryError(
      name,
      `is stored, but has ${compressedSize} bytes compressed and ${uncompressedSize} uncompressed`,
    );
  }
  if (method === METHOD_DEFLATE && compressedSize === 0) {
    throw entryError(name, 'is deflated, but to 0 bytes: not even nothing deflates to that');
  }
  if (isDirectory(entry) && uncompressedSize > 0) {
    throw entryError(name, `is a directory, but has ${uncompressedSize} bytes`);
  }
  assertPlainFile(entry);
}

/** Judged whatever system made the entry: PKZIP for Unix says MS-DOS, and unzip obeys the mode. */
function assertPlainFile({ name, externalAttributes }: CentralEntry): void {
  const mode = externalAttributes >>> 16;
  const type = mode & MODE_TYPE_MASK;
  if (type === MODE_TYPE_LINK) throw entryError(name, 'is a symbolic link');
  if (!MODE_TYPES_ALLOWED.includes(type)) {
    throw entryError(name, `is not a regular file, its Unix mode is 0${mode.toString(8)}`);
  }
}
