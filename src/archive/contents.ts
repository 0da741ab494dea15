import { entryError, quoteName } from './entry-names.ts';
import { ArchiveError } from './errors.ts';
import { assertDistinctNames, foldName } from './flat-names.ts';

/** What is asked of an archive's entry here. Directories have names that end in a slash. */
export interface ArchiveFile {
  readonly name: string;
  readonly crc32: number;
  /** In bytes. */
  readonly uncompressedSize: number;
}

/** What an archive holds for the split. */
export interface Contents<T extends ArchiveFile> {
  /** The manifest, once for each time that the archive has it; equal in size and CRC-32. */
  readonly manifests: readonly T[];
  /** The files of the images' folder by their flat name, without the manifest. */
  readonly images: ReadonlyMap<string, T>;
  /** Files in other folders: never images, but worth a hint where a row's image is missing. */
  readonly elsewhere: readonly T[];
}

/** A file and its path without a leading `./`. */
interface PlacedFile<T> {
  readonly path: string;
  readonly file: T;
}

/** The manifest's name, in an export and in a batch zip. */
export const MANIFEST_NAME = 'manifest.csv';

/** How many entries an error message names. */
const NAMED_ENTRIES = 10;

/** What macOS and Windows leave in archives: never content, wherever it lies. */
const LITTER = /(^|\/)(__MACOSX\/|\._[^/]*$|\.DS_Store$|Thumbs\.db$)/i;

/**
 * Sorts an archive's entries into the manifest and the images. The images' folder is the deepest
 * folder that all files but the CSVs lie in, so that entries may carry one common folder, with the
 * manifest in it or above it. The manifest is `manifest.csv`, else the only `*.csv` beside the images
 * or above them; equal copies count once, and so do equal images under one name.
 *
 * Throws `ArchiveError` that names the entries: no manifest, manifests that differ, one name for
 * different images, names that differ only by case or Unicode form or are too long to unpack.
 */
export function findContents<T extends ArchiveFile>(entries: readonly T[]): Contents<T> {
  const files = entries
    .filter(({ name }) => !name.endsWith('/') && !LITTER.test(name))
    .map((file) => ({ file, path: file.name.replace(/^(\.\/+)+/, '') }));
  const folder = imageFolder(files);
  const manifests = findManifests(files, folder);
  const manifestFiles = new Set(manifests.map(({ file }) => file));
  const flatNames = new Set<string>();
  const images = new Map<string, T>();
  const elsewhere: T[] = [];
  for (const { path, file } of files) {
    if (folderOf(path) === folder) {
      const name = path.slice(folder.length);
      flatNames.add(name);
      if (!manifestFiles.has(file)) addImage(images, name, file);
    } else if (!manifestFiles.has(file)) {
      elsewhere.push(file);
    }
  }
  assertDistinctNames(flatNames);
  return { manifests: [...manifestFiles], images, elsewhere };
}

/**
 * The one manifest that all of `copies` are, each the bytes of an entry. Throws `ArchiveError` that
 * names two entries where they differ: a CRC-32 may be equal all the same.
 */
export function sameManifest(copies: readonly { name: string; bytes: Buffer }[]): Buffer {
  const [first, ...others] = copies;
  if (first === undefined) throw new RangeError('Expected one manifest or more, got none');
  for (const other of others) {
    if (!other.bytes.equals(first.bytes)) throw differentManifests([first, other]);
  }
  return first.bytes;
}

/**
 * What the archive has in place of an image that it lacks: a name that differs only by case or
 * Unicode form, or a file of that name in another folder. Undefined where there is nothing.
 */
export function findNearMatch<T extends ArchiveFile>(
  { images, elsewhere }: Contents<T>,
  image: string,
): string | undefined {
  const folded = foldName(baseName(image));
  for (const name of images.keys()) {
    if (foldName(name) === folded) return name;
  }
  return elsewhere.find(({ name }) => foldName(baseName(name)) === folded)?.name;
}

/** The folder of the images, with its slash, or '' for the archive's root. */
function imageFolder(files: readonly PlacedFile<unknown>[]): string {
  const images = files.filter(({ path }) => !isCsv(path));
  const [first, ...others] = images.length > 0 ? images : files;
  let folder = folderOf(first?.path ?? '');
  for (const { path } of others) {
    while (!path.startsWith(folder)) folder = folderOf(folder.slice(0, -1));
  }
  return folder;
}

function findManifests<T extends ArchiveFile>(
  files: readonly PlacedFile<T>[],
  folder: string,
): PlacedFile<T>[] {
  // A manifest.csv counts wherever it lies: rows of a second one must not be lost unseen.
  const named = files.filter(({ path }) => baseName(path) === MANIFEST_NAME);
  const candidates =
    named.length > 0
      ? named
      : files.filter(({ path }) => isCsv(path) && folder.startsWith(folderOf(path)));
  const [first] = candidates;
  if (first === undefined) throw noManifest(files);
  const different = candidates.filter(({ file }) => !hasEqualContent(file, first.file));
  if (different.length > 0) {
    throw differentManifests([first, ...different].map(({ file }) => file));
  }
  return candidates;
}

function addImage<T extends ArchiveFile>(images: Map<string, T>, name: string, file: T): void {
  const known = images.get(name);
  if (known === undefined) images.set(name, file);
  else if (!hasEqualContent(known, file)) {
    const where = known.name === file.name ? 'twice' : `also as ${quoteName(known.name)}`;
    throw entryError(file.name, `the archive has it ${where}, with different content`);
  }
}

function hasEqualContent(a: ArchiveFile, b: ArchiveFile): boolean {
  return a.uncompressedSize === b.uncompressedSize && a.crc32 === b.crc32;
}

function differentManifests(entries: readonly { name: string }[]): ArchiveError {
  return new ArchiveError(`The archive has manifests that differ: ${listNames(entries)}; keep one`);
}

function noManifest(files: readonly PlacedFile<ArchiveFile>[]): ArchiveError {
  const csvs = files.filter(({ path }) => isCsv(path)).map(({ file }) => file);
  const found =
    csvs.length > 0
      ? `${files.length} files, with CSV files only in other folders: ${listNames(csvs)}`
      : `${files.length} files, none of them a CSV`;
  return new ArchiveError(
    `The archive has no manifest: expected ${MANIFEST_NAME} or one *.csv beside the images, found ${found}`,
  );
}

function listNames(entries: readonly { name: string }[]): string {
  const named = entries.slice(0, NAMED_ENTRIES).map(({ name }) => quoteName(name));
  const more = entries.length - named.length;
  return more > 0 ? `${named.join(', ')} and ${more} more` : named.join(', ');
}

function isCsv(path: string): boolean {
  return /\.csv$/i.test(path);
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
