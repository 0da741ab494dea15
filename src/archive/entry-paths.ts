import { assertSafeName, entryError, quoteName } from './entry-names.ts';
import { foldName } from './flat-names.ts';

/** A file that is to go into an archive: its own name, and the folder that it goes to. */
export interface PlacedName {
  /** The last segment of the path that it comes from. */
  readonly baseName: string;
  /** Folder in the archive, with `/` between segments; the root where it is undefined or empty. */
  readonly destination: string | undefined;
}

/** A file that could not have the name that it was to have. */
export interface RenamedEntry {
  /** Index of the file. */
  readonly index: number;
  readonly wanted: string;
  readonly name: string;
}

/** The paths of an archive's entries, in the order of the files. */
export interface EntryPaths {
  readonly names: readonly string[];
  readonly renamed: readonly RenamedEntry[];
}

/**
 * Gives each file its path in the archive: `destination/baseName`. Where that is taken, the later file
 * becomes `name (2).ext`, or the next number that is free. Names that differ only by case or Unicode
 * form count as the same: on Windows and macOS they would be one file.
 *
 * Throws `ArchiveError` where a path would leave the archive's root, or where it is a file and a folder.
 */
export function entryPaths(files: Iterable<PlacedName>): EntryPaths {
  const names: string[] = [];
  const renamed: RenamedEntry[] = [];
  const taken = new Set<string>();
  /** The next number to try for a name that is taken, so that many equal ones don't try all before. */
  const nextNumbers = new Map<string, number>();
  for (const file of files) {
    const wanted = entryPath(file);
    const name = taken.has(foldName(wanted)) ? freeName(wanted, taken, nextNumbers) : wanted;
    taken.add(foldName(name));
    if (name !== wanted) renamed.push({ index: names.length, wanted, name });
    names.push(name);
  }
  assertNoFileIsFolder(names, taken);
  return { names, renamed };
}

/**
 * A folder in an archive in its shortest form: without `.` segments, doubled slashes and a slash at its
 * end. Throws `ArchiveError` where it is absolute, climbs, or is written for another system.
 */
export function normalizeDestination(destination: string): string {
  if (destination !== '') assertSafeName(destination);
  return destination
    .split('/')
    .filter((segment) => segment !== '' && segment !== '.')
    .join('/');
}

function entryPath({ baseName, destination = '' }: PlacedName): string {
  const folder = normalizeDestination(destination);
  const path = folder === '' ? baseName : `${folder}/${baseName}`;
  assertSafeName(path);
  // UTF-8 has no lone surrogates: different names would become one.
  if (!path.isWellFormed()) throw entryError(path, 'the name holds half a character');
  if (baseName === '' || baseName === '.' || baseName.includes('/')) {
    throw entryError(path, 'has no file name');
  }
  return path;
}

function freeName(
  wanted: string,
  taken: ReadonlySet<string>,
  nextNumbers: Map<string, number>,
): string {
  const { stem, extension } = splitExtension(wanted);
  const key = foldName(wanted);
  for (let number = nextNumbers.get(key) ?? 2; ; number++) {
    const name = `${stem} (${number})${extension}`;
    if (taken.has(foldName(name))) continue;
    nextNumbers.set(key, number + 1);
    assertSafeName(name);
    return name;
  }
}

/** `a/b.tar.gz` is `a/b.tar` and `.gz`; a name that begins with its only dot has no extension. */
function splitExtension(path: string): { stem: string; extension: string } {
  const dot = path.lastIndexOf('.');
  const nameStart = path.lastIndexOf('/') + 1;
  if (dot <= nameStart) return { stem: path, extension: '' };
  return { stem: path.slice(0, dot), extension: path.slice(dot) };
}

/** No system can unpack a file and a folder of the same path. */
function assertNoFileIsFolder(names: readonly string[], taken: ReadonlySet<string>): void {
  const folders = new Set<string>();
  for (const name of names) {
    for (let slash = name.lastIndexOf('/'); slash > 0; slash = name.lastIndexOf('/', slash - 1)) {
      const folder = name.slice(0, slash);
      if (folders.has(folder)) break;
      folders.add(folder);
      if (taken.has(foldName(folder))) {
        throw entryError(folder, `is a file, and the folder of ${quoteName(name)} as well`);
      }
    }
  }
}
