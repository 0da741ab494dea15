import { type ArchiveFile, type Contents, findNearMatch, MANIFEST_NAME } from './contents.ts';
import type { ManifestRow } from './csv-rows.ts';
import { quoteName } from './entry-names.ts';
import { ArchiveError, LimitError } from './errors.ts';
import { foldName } from './flat-names.ts';
import { lineOfRow, type Manifest } from './manifest.ts';

/** What goes into one batch zip. */
export interface Batch<T> {
  /** From 1. */
  readonly number: number;
  /** Its rows: indexes into the manifest's rows, from `firstRow` up to, not including, `endRow`. */
  readonly firstRow: number;
  readonly endRow: number;
  /** The images that its rows name, each once, in the order of the source archive. */
  readonly images: readonly { readonly name: string; readonly entry: T }[];
}

export interface BatchOptions<T> {
  /** Rows a batch, 1 or more (`BATCH_SIZE`). */
  readonly batchSize: number;
  /** Limit on batches (`MAX_BATCHES`). */
  readonly maxBatches: number;
  /** Sorts entries as the source archive has them: neighbours there can be copied in one run. */
  readonly inSourceOrder: (a: T, b: T) => number;
}

/** How many missing images an error message names. */
const NAMED_IMAGES = 10;

/** The archive extensions that a batch zip's name drops. */
const ARCHIVE_EXTENSION = /\.(zip|tar\.gz|tgz|tar)$/i;

/**
 * Cuts a manifest's rows, in their order, into batches, the last one shorter, and finds the image of
 * each row. Throws `ArchiveError` where images are missing (all are counted, the first ten named with
 * the line of their first row) or where a row names a `manifest.csv` as its image, which a batch zip
 * has no second place for; `LimitError` where there are more than `maxBatches`.
 */
export function planBatches<T extends ArchiveFile>(
  manifest: Manifest,
  contents: Contents<T>,
  { batchSize, maxBatches, inSourceOrder }: BatchOptions<T>,
): Batch<T>[] {
  const { rows } = manifest;
  const count = Math.ceil(rows.length / batchSize);
  if (count > maxBatches) {
    throw new LimitError(
      `${rows.length} rows make ${count} batches of ${batchSize}, the limit is ${maxBatches} (MAX_BATCHES); raise BATCH_SIZE`,
    );
  }
  assertImagesPresent(manifest, contents);
  return Array.from({ length: count }, (_, index) => {
    const firstRow = index * batchSize;
    const endRow = Math.min(firstRow + batchSize, rows.length);
    const images = imagesOf(rows.slice(firstRow, endRow), contents);
    images.sort((a, b) => inSourceOrder(a.entry, b.entry));
    return { number: index + 1, firstRow, endRow, images };
  });
}

/** The name of batch zip `number` of the archive `file`: `a.tar.gz` gives `a-part1.zip`. */
export function partName(file: string, number: number): string {
  return `${file.replace(ARCHIVE_EXTENSION, '')}-part${number}.zip`;
}

function imagesOf<T extends ArchiveFile>(rows: readonly ManifestRow[], { images }: Contents<T>) {
  const found: { name: string; entry: T }[] = [];
  for (const name of new Set(rows.map(({ image }) => image))) {
    const entry = images.get(name);
    if (entry !== undefined) found.push({ name, entry });
  }
  return found;
}

function assertImagesPresent<T extends ArchiveFile>(
  manifest: Manifest,
  contents: Contents<T>,
): void {
  const manifestName = foldName(MANIFEST_NAME);
  const missing = new Map<string, ManifestRow>();
  for (const row of manifest.rows) {
    if (foldName(row.image) === manifestName) {
      throw new ArchiveError(
        `Manifest ${quoteName(manifest.name)}, line ${lineOfRow(manifest, row)}: the image is called ` +
          `${quoteName(row.image)}, a name that each batch zip has for its own manifest; rename it`,
      );
    }
    if (!contents.images.has(row.image) && !missing.has(row.image)) missing.set(row.image, row);
  }
  if (missing.size > 0) throw imagesMissing(manifest, contents, [...missing.values()]);
}

function imagesMissing<T extends ArchiveFile>(
  manifest: Manifest,
  contents: Contents<T>,
  rows: readonly ManifestRow[],
): ArchiveError {
  const named = rows.slice(0, NAMED_IMAGES).map((row) => {
    const near = findNearMatch(contents, row.image);
    const hint = near === undefined ? '' : `; the archive has ${quoteName(near)}`;
    return `${quoteName(row.image)} (line ${lineOfRow(manifest, row)}${hint})`;
  });
  const more = rows.length > named.length ? ` and ${rows.length - named.length} more` : '';
  const images = rows.length === 1 ? '1 image is' : `${rows.length} images are`;
  return new ArchiveError(
    `${images} named by the manifest ${quoteName(manifest.name)} but not in the archive: ${named.join(', ')}${more}`,
  );
}
