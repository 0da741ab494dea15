import { combineCrc32 } from './crc32-combine.ts';
import { entryError } from './entry-names.ts';
import type { ArchivedFile } from './zip-layout.ts';
import { hex32 } from './zip-local.ts';

/** A stretch of a file that has been read, and its CRC-32. */
interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly crc32: number;
}

/** What is asked of a file here. */
export type FileFacts = Pick<ArchivedFile, 'name' | 'size' | 'crc32'>;

/** The CRC-32s of files, put together from those of the stretches that were read, in any order. */
export class FileCrcs {
  readonly #fileOf: (index: number) => FileFacts;
  readonly #stretches = new Map<number, Stretch[]>();
  readonly #known = new Map<number, number>();

  /** @param fileOf a file by its index; one whose CRC-32 is known need not be read */
  constructor(fileOf: (index: number) => FileFacts) {
    this.#fileOf = fileOf;
  }

  /**
   * Notes the CRC-32 of a stretch of a file. The same stretch may be noted twice.
   *
   * Throws `ArchiveError` where the file has been read whole and is not what its store says of it.
   */
  note(index: number, start: number, end: number, crc32: number): void {
    const { size, name, crc32: expected } = this.#fileOf(index);
    if (end - start === size) {
      if (expected !== undefined && crc32 !== expected) {
        throw entryError(name, `CRC-32 is ${hex32(crc32)}, S3 says ${hex32(expected)}`);
      }
      this.#known.set(index, crc32);
      return;
    }
    const stretches = this.#stretches.get(index);
    if (stretches) stretches.push({ start, end, crc32 });
    else this.#stretches.set(index, [{ start, end, crc32 }]);
  }

  /** The CRC-32 of a whole file; undefined as long as a stretch of it is missing. */
  of(index: number): number | undefined {
    const { size, crc32 } = this.#fileOf(index);
    if (crc32 !== undefined) return crc32;
    if (size === 0) return 0;
    return this.#known.get(index) ?? this.#combine(index, size);
  }

  #combine(index: number, size: number): number | undefined {
    const stretches = this.#stretches.get(index);
    if (!stretches) return undefined;
    let crc = 0;
    let end = 0;
    for (const stretch of stretches.sort((a, b) => a.start - b.start)) {
      if (stretch.end <= end) continue;
      if (stretch.start !== end) return undefined;
      crc = combineCrc32(crc, stretch.crc32, stretch.end - stretch.start);
      end = stretch.end;
    }
    if (end !== size) return undefined;
    this.#known.set(index, crc);
    return crc;
  }
}
