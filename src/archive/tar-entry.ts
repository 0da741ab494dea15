import { assertSafeName, entryError, quoteName } from './entry-names.ts';
import type { ExtendedFacts } from './tar-extended.ts';
import type { TarHeader } from './tar-header.ts';
import { paxFacts } from './tar-pax.ts';

/** An entry as it is to be taken: its header, and what others say in place of it. */
export interface TarEntry {
  readonly name: string;
  /** Bytes that follow its header, without the padding. */
  readonly size: number;
  /** Seconds since 1970, whole; negative before. */
  readonly mtime: number;
  /** Whether it is a regular file. Directories and volume labels, which are not, can be passed over. */
  readonly isFile: boolean;
}

const REGULAR = '0';
/** Contiguous on systems that have such files, regular on all others (POSIX.1-2017 pax). */
const CONTIGUOUS = '7';
const DIRECTORY = '5';
/** The name that GNU tar gives to a tape: no file. */
const VOLUME_LABEL = 'V';

const SPARSE = 'is a sparse file';

const LINKS: Readonly<Record<string, string>> = {
  1: 'is a hard link',
  2: 'is a symbolic link',
};

/** Other types of entries that are not taken, POSIX.1-2017 pax and GNU tar's manual, "Standard". */
const REFUSED: Readonly<Record<string, string>> = {
  3: 'is a character device',
  4: 'is a block device',
  6: 'is a FIFO',
  D: 'is a directory of an incremental GNU backup',
  M: 'is the rest of a file of another volume',
  S: SPARSE,
};

/**
 * The entry that a header and those before it tell of. Where several name it, the pax header counts,
 * then GNU's long name, then its own, as GNU tar has it.
 *
 * Throws `ArchiveError` unless it is a regular file or a directory with a safe name, or a volume label.
 */
export function resolveEntry(
  header: TarHeader,
  { globals, pax = {}, longName, longLink }: ExtendedFacts,
): TarEntry {
  const headerName = longName ?? header.name;
  const facts = paxFacts(globals, pax, headerName);
  const name = facts.name ?? headerName;
  const size = facts.size ?? header.size;
  const mtime = facts.mtime ?? header.mtime;
  if (header.type === VOLUME_LABEL) return { name, size, mtime, isFile: false };
  assertSafeName(name);
  if (facts.isSparse) throw entryError(name, SPARSE);
  switch (header.type) {
    case REGULAR:
    case CONTIGUOUS: {
      // Before POSIX, a file whose name ends in a slash was a directory, and so it still is.
      const isFile = !name.endsWith('/');
      if (!isFile && size > 0) throw entryError(name, `is a directory, but has ${size} bytes`);
      return { name, size, mtime, isFile };
    }
    case DIRECTORY:
      // It may say how much space the directory gets (POSIX.1-2017 pax); no data follows.
      return { name, size: 0, mtime, isFile: false };
    default:
      throw entryError(name, refusal(header.type, facts.linkName ?? longLink ?? header.linkName));
  }
}

function refusal(type: string, linkName: string): string {
  const link = LINKS[type];
  if (link !== undefined) return `${link} to ${quoteName(linkName)}`;
  return REFUSED[type] ?? `is of the unknown TAR type ${JSON.stringify(type)}`;
}
