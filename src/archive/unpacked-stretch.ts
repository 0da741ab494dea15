import { crc32 } from 'node:zlib';
import {
  type ArchiveLimits,
  assertCountWithinLimits,
  assertEntryWithinLimits,
  assertTotalWithinLimits,
} from './archive-limits.ts';
import { dosTime } from './dos-time.ts';
import { type UnpackedFile, unpackedEntry } from './index-file.ts';
import type { TarCheckpoint, TarFile, TarReader } from './tar-reader.ts';
import { METHOD_STORE, type ZipEntry } from './zip-entry.ts';

/** How far an archive has been unpacked. Plain JSON; counts are over all attempts. */
export interface UnpackTally {
  readonly files: number;
  /** Bytes of the files together. */
  readonly fileBytes: number;
  /** Parts of records that were made, and their bytes; 0 where files stay where they are. */
  readonly parts: number;
  readonly partBytes: number;
}

export const NOTHING_UNPACKED: UnpackTally = { files: 0, fileBytes: 0, parts: 0, partBytes: 0 };

/** Where a TAR goes on behind a stretch: at a file, nowhere, or in the middle of a file (undefined). */
export type Border = TarCheckpoint | 'end' | undefined;

/** What one step of unpacking has made. */
export interface UnpackedStretch {
  /** The files that end in it. */
  readonly entries: readonly ZipEntry[];
  readonly border: Border;
  /** Everything up to its end. */
  readonly tally: UnpackTally;
  /** Gives back the memory that it holds, once it has been kept. */
  readonly release?: () => void;
}

/** Collects a stretch's entries, and keeps an archive within its limits as its files come. */
export class Unpacking {
  readonly #limits: ArchiveLimits;
  #files: number;
  #fileBytes: number;
  #entries: ZipEntry[] = [];

  constructor(limits: ArchiveLimits, from: UnpackTally) {
    this.#limits = limits;
    this.#files = from.files;
    this.#fileBytes = from.fileBytes;
  }

  /** Counts a file whose header has been read. Throws `LimitError`, before a byte of it is read. */
  begin({ name, size }: TarFile): void {
    const method = METHOD_STORE;
    assertEntryWithinLimits(
      { name, method, compressedSize: size, uncompressedSize: size },
      this.#limits,
    );
    this.#files += 1;
    this.#fileBytes += size;
    assertCountWithinLimits(this.#files, this.#limits);
    assertTotalWithinLimits(this.#fileBytes, this.#limits);
  }

  /** Adds the entry that a file has become. */
  add(file: UnpackedFile): void {
    this.#entries.push(unpackedEntry(file));
  }

  /** The entries since the last call, with the counts up to here. */
  take(parts = 0, partBytes = 0): { entries: readonly ZipEntry[]; tally: UnpackTally } {
    const entries = this.#entries;
    this.#entries = [];
    return { entries, tally: { files: this.#files, fileBytes: this.#fileBytes, parts, partBytes } };
  }
}

/** A stretch ends with the file that takes it over so many bytes: often enough for people to see it move. */
const STRETCH_BYTES = 8 * 1024 * 1024;

/**
 * Takes the files of a TAR as they lie there: each becomes an entry of data alone, whose CRC-32 is
 * computed as it passes. Throws what the reader throws, and `LimitError`.
 */
export async function* indexInPlace(
  tar: TarReader,
  limits: ArchiveLimits,
  from: UnpackTally,
): AsyncGenerator<UnpackedStretch> {
  const unpacking = new Unpacking(limits, from);
  let open = 0;
  for (let file = await tar.next(); file; file = await tar.next()) {
    unpacking.begin(file);
    let crc = 0;
    for await (const piece of tar.data()) crc = crc32(piece, crc);
    const { name, size, dataStart } = file;
    const place = { recordName: undefined, recordStart: dataStart, dataStart };
    unpacking.add({ name, size, crc32: crc, ...dosTime(file.mtime), ...place });
    open += size;
    if (open >= STRETCH_BYTES) {
      yield { ...unpacking.take(), border: tar.checkpoint() };
      open = 0;
    }
  }
  yield { ...unpacking.take(), border: 'end' };
}
