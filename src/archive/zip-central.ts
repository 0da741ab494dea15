import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader } from 'yauzl';
import { decodeName, entryError, quoteName } from './entry-names.ts';
import { ArchiveError } from './errors.ts';
import type { EntryFacts } from './zip-entry.ts';
import { resolveZip64, withoutZip64 } from './zip-extra.ts';
import {
  CENTRAL_HEADER_LENGTH,
  CENTRAL_HEADER_SIGNATURE,
  type CentralDirectoryExtent,
} from './zip-records.ts';

/** What one header of the central directory says. */
export interface CentralEntry extends EntryFacts {
  /** The name as text. */
  readonly name: string;
  /** Offset of the local file header. */
  readonly recordStart: number;
}

/**
 * The entries that a central directory lists (APPNOTE.TXT 4.3.12), in its order. `window` is the last
 * bytes of an archive of `size` bytes, from the directory's start or earlier to the archive's end;
 * names, extra fields and comments of the entries are views of it.
 *
 * Throws `ArchiveError` unless the headers are as many as the end record says and fill the directory
 * exactly, and their names and Zip64 fields can be read in one way only.
 */
export async function* readCentralDirectory(
  window: Buffer,
  size: number,
  directory: CentralDirectoryExtent,
): AsyncGenerator<CentralEntry> {
  const windowStart = size - window.length;
  const end = directory.offset + directory.length;
  let cursor = directory.offset;
  let index = 0;
  try {
    const zip = await fromRandomAccessReaderPromise(new MemoryReader(window, windowStart), size, {
      decodeStrings: false,
      validateEntrySizes: false,
      strictFileNames: true,
    });
    for await (const entry of zip.eachEntry()) {
      const start = cursor;
      cursor += headerLength(entry);
      if (cursor > end) {
        throw new Error(`it reaches to ${cursor}, behind the directory's end at ${end}`);
      }
      yield centralEntry(entry, window.subarray(start - windowStart, cursor - windowStart));
      index += 1;
    }
  } catch (error) {
    if (error instanceof ArchiveError) throw error;
    // The reader is in memory, so what fails is a header: yauzl's refusal or one of the checks.
    throw new ArchiveError(
      `Central directory, header ${index + 1} of ${directory.count} at offset ${cursor}` +
        `${nameToBlame(window, cursor - windowStart)}: ${(error as Error).message}`,
      { cause: error },
    );
  }
  if (cursor !== end) {
    throw new ArchiveError(
      `The central directory's ${directory.count} headers end at offset ${cursor}, but the directory ends at ${end}`,
    );
  }
}

/** The name in a header that could not be read, if that much of it is there. */
function nameToBlame(window: Buffer, position: number): string {
  const nameStart = position + CENTRAL_HEADER_LENGTH;
  const isHeader =
    nameStart <= window.length && window.readUInt32LE(position) === CENTRAL_HEADER_SIGNATURE;
  if (!isHeader) return '';
  const rawName = window.subarray(nameStart, nameStart + window.readUInt16LE(position + 28));
  return ` for entry ${quoteName(rawName.toString('utf8'))}`;
}

function headerLength(entry: Entry): number {
  return (
    CENTRAL_HEADER_LENGTH + entry.fileNameLength + entry.extraFieldLength + entry.fileCommentLength
  );
}

/** `header` is the same header's bytes: yauzl neither shows the disk number nor judges Zip64 fields. */
function centralEntry(entry: Entry, header: Buffer): CentralEntry {
  const extraStart = CENTRAL_HEADER_LENGTH + entry.fileNameLength;
  const commentStart = extraStart + entry.extraFieldLength;
  const rawName = header.subarray(CENTRAL_HEADER_LENGTH, extraStart);
  const flags = entry.generalPurposeBitFlag;
  const name = decodeName(rawName, flags, entry.extraFields);
  const disk = header.readUInt16LE(34);
  if (disk !== 0) throw entryError(name, `begins on disk ${disk} of an archive of several`);
  const [uncompressedSize, compressedSize, recordStart] = zip64Values(name, entry, header);
  return {
    name,
    rawName,
    versionMadeBy: entry.versionMadeBy,
    versionNeeded: entry.versionNeededToExtract,
    flags,
    method: entry.compressionMethod,
    modTime: entry.lastModFileTime,
    modDate: entry.lastModFileDate,
    crc32: entry.crc32,
    compressedSize,
    uncompressedSize,
    internalAttributes: entry.internalFileAttributes,
    externalAttributes: entry.externalFileAttributes,
    extra: withoutZip64(header.subarray(extraStart, commentStart), entry.extraFields),
    comment: entry.fileCommentLength > 0 ? header.subarray(commentStart) : NO_COMMENT,
    recordStart,
  };
}

/** One for all: a view of no bytes takes as much memory as any other. */
const NO_COMMENT = Buffer.alloc(0);

function zip64Values(name: string, entry: Entry, header: Buffer): [number, number, number] {
  const fields = [header.readUInt32LE(24), header.readUInt32LE(20), header.readUInt32LE(42)];
  try {
    return resolveZip64(fields, entry.extraFields) as [number, number, number];
  } catch (error) {
    throw entryError(name, `in the central directory, ${(error as Error).message}`);
  }
}

/** yauzl asks its reader four times an entry; the answers come from memory, at once. */
class MemoryReader extends RandomAccessReader {
  readonly #bytes: Buffer;
  readonly #start: number;

  constructor(bytes: Buffer, start: number) {
    super();
    this.#bytes = bytes;
    this.#start = start;
  }

  override read(
    target: Buffer,
    targetStart: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    const start = position - this.#start;
    if (start < 0 || start + length > this.#bytes.length) {
      callback(
        new Error(`${length} bytes at offset ${position} are not in what was read of the archive`),
      );
      return;
    }
    this.#bytes.copy(target, targetStart, start, start + length);
    callback(null);
  }
}
