import { ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import { isAccessDenied, isMissing, type ObjectLocation } from './errors.ts';
import { inLanes } from './lanes.ts';
import { headSource, type SourceHead } from './objects.ts';

/** HEADs, and listings of folders, that are under way at once. */
const HEAD_LANES = 32;
const LIST_LANES = 8;

/**
 * A listing brings up to 1,000 objects for some times the price of a HEAD, in money and in time: it is
 * made where so many of those that are wanted lie in one folder, and gone on with while a page has so
 * many of them.
 */
const WORTH_LISTING = 20;

/**
 * Of objects from this size (bytes) on, the CRC-32 is asked for, which a listing does not tell: S3 can copy
 * them, so that they need not be read. Smaller ones are read anyway.
 */
const ASKED_FOR_CRC_BYTES = 5 * 1024 * 1024;

export interface InspectOptions {
  readonly signal: AbortSignal;
  /** Told, now and then, how many objects are through. */
  readonly onProgress: (done: number) => void;
}

/** A folder of a bucket, and which of its objects are wanted: indexes by key. */
interface Folder {
  readonly bucket: string;
  /** With the slash at its end; empty for the bucket's root. */
  readonly prefix: string;
  readonly wanted: Map<string, number[]>;
}

/**
 * Looks at many objects: lists the folders that many of them lie in, and asks for the others one by one,
 * large ones included, whose CRC-32 is worth it. Gives what there is of each, in the order given;
 * undefined where there is none.
 *
 * @throws AccessDeniedError where S3 denies a HEAD; without the right to list, there are only HEADs
 */
export async function inspectObjects(
  s3: S3Client,
  locations: readonly ObjectLocation[],
  { signal, onProgress }: InspectOptions,
): Promise<(SourceHead | undefined)[]> {
  const heads = new Array<SourceHead | undefined>(locations.length);
  let done = 0;
  const note = (indexes: readonly number[], head: SourceHead | undefined) => {
    for (const index of indexes) heads[index] = head;
    done += indexes.length;
    onProgress(done);
  };

  const folders = [...foldersOf(locations)];
  const asked: [ObjectLocation, number[]][] = [];
  const ask = ({ bucket, wanted }: Folder) => {
    for (const [key, indexes] of wanted) asked.push([{ bucket, key }, indexes]);
  };
  await inLanes(folders, LIST_LANES, signal, async (folder, either) => {
    if (folder.wanted.size >= WORTH_LISTING) {
      for await (const head of listWanted(s3, folder, either)) {
        if (head.size >= ASKED_FOR_CRC_BYTES) continue;
        note(folder.wanted.get(head.key) ?? [], head);
        folder.wanted.delete(head.key);
      }
    }
    ask(folder);
  });
  // What a listing did not show is not absent before a HEAD says so.
  await inLanes(asked, HEAD_LANES, signal, async ([location, indexes], either) => {
    note(indexes, await headSource(s3, location, either));
  });
  return heads;
}

function foldersOf(locations: readonly ObjectLocation[]): Iterable<Folder> {
  const folders = new Map<string, Folder>();
  for (const [index, { bucket, key }] of locations.entries()) {
    const prefix = key.slice(0, key.lastIndexOf('/') + 1);
    // A bucket's name has no slash.
    const id = `${bucket}/${prefix}`;
    const folder = folders.get(id) ?? { bucket, prefix, wanted: new Map() };
    folders.set(id, folder);
    const indexes = folder.wanted.get(key);
    if (indexes) indexes.push(index);
    else folder.wanted.set(key, [index]);
  }
  return folders.values();
}

/** What listing a folder tells of the objects that are wanted, for as long as pages have many of them. */
async function* listWanted(
  s3: S3Client,
  { bucket, prefix, wanted }: Folder,
  signal: AbortSignal,
): AsyncGenerator<SourceHead> {
  let left = wanted.size;
  let from: { StartAfter?: string; ContinuationToken?: string } = {
    StartAfter: justBefore([...wanted.keys()]),
  };
  for (;;) {
    const command = new ListObjectsV2Command({
      Bucket: bucket,
      Prefix: prefix,
      // What lies in folders below is not wanted here.
      Delimiter: '/',
      ...from,
    });
    const page = await s3.send(command, { abortSignal: signal }).catch((error) => {
      if (isAccessDenied(error) || isMissing(error)) return undefined;
      throw error;
    });
    let found = 0;
    for (const { Key: key = '', ETag: etag, Size: size, LastModified } of page?.Contents ?? []) {
      if (!wanted.has(key) || etag === undefined || size === undefined || !LastModified) continue;
      found += 1;
      yield { bucket, key, etag, size, lastModified: LastModified, crc32: undefined };
    }
    left -= found;
    const next = page?.IsTruncated ? page.NextContinuationToken : undefined;
    if (!next || found < WORTH_LISTING || left < WORTH_LISTING) return;
    from = { ContinuationToken: next };
  }
}

/** A text that lies before all keys in the order of S3 (that of their UTF-8), and close before the first. */
function justBefore(keys: readonly string[]): string {
  const [first = ''] = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return [...first].slice(0, -1).join('');
}
