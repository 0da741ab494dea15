import { crc32 } from 'node:zlib';
import type { ArchiveLimits } from './archive-limits.ts';
import { BufferPool } from './buffer-pool.ts';
import { dosTime } from './dos-time.ts';
import { LimitError } from './errors.ts';
import { storedEntry } from './stored-entry.ts';
import type { TarReader } from './tar-reader.ts';
import {
  type Border,
  type UnpackedStretch,
  Unpacking,
  type UnpackTally,
} from './unpacked-stretch.ts';
import { localHeader } from './zip-records.ts';

const MIB = 1024 * 1024;

/** A part of an object of records that is being made; numbers run from 1. */
export interface RecordPart extends UnpackedStretch {
  readonly number: number;
  /** Offset of its first byte in the object. */
  readonly start: number;
  readonly bytes: Buffer;
}

/**
 * A file of up to this many bytes is written as a whole record: it is in memory before its part
 * leaves, so that its CRC-32 can go into the header before it. A larger one is written as data alone,
 * and gets its header when a batch zip is laid out.
 */
export const RECORD_LIMIT_BYTES = 4 * MIB;

/** S3 takes at most so many parts an upload. */
const MAX_PARTS = 10_000;

/** Large enough that requests don't count, small enough that several are in memory. In bytes. */
const PART_BYTES = 8 * MIB;

/**
 * What an archive inflates to is known at its end only, and so is the number of parts. The first
 * 5,000 have one size (39 GiB of 8 MiB each), each 500 after them are larger by that size again, so
 * that 10,000 hold 7.5 times as much as the first 5,000.
 */
const EVEN_PARTS = 5_000;
const PARTS_A_STEP = 500;

/** All parts together hold so many times the size of the first. */
const CAPACITY_IN_PARTS = EVEN_PARTS + PARTS_A_STEP * ((2 + 11) * 5);

/** What is kept of released parts: those that are under way at once, of the usual size. In bytes. */
const POOL_BYTES = 64 * MIB;

/** A local header's fixed fields and a name, whose length has 16 bits. In bytes. */
const MAX_HEADER_BYTES = 30 + 0xffff;

/** What an archive of images becomes, headers included: they hardly compress. */
const EXPECTED_GROWTH = 1.25;

/** How large a part is made before it is closed with the file that reached it. In bytes. */
export function recordPartBytes(number: number, archiveSize: number): number {
  const even = Math.max(PART_BYTES, Math.ceil((archiveSize * EXPECTED_GROWTH) / CAPACITY_IN_PARTS));
  return even * (1 + Math.max(0, Math.ceil((number - EVEN_PARTS) / PARTS_A_STEP)));
}

export interface RecordPartsOptions {
  /** Size of the archive in bytes, as it is compressed: it decides how large parts are. */
  readonly archiveSize: number;
  readonly limits: ArchiveLimits;
  /** What an earlier attempt had made, up to the place where `tar` goes on. */
  readonly from: UnpackTally;
}

/**
 * Writes the files of a TAR one after the other as ZIP records: local header (APPNOTE.TXT 4.3.7), and
 * the data, stored. A record is named by its file's bare name, as the batch zip will have it. Parts
 * are cut by what the TAR holds and by nothing else, so that each attempt makes the same ones; they
 * end with a file, unless it is one of those that are written as data alone.
 *
 * A part's buffer is its own until it is released; one part is open beside those that the caller holds.
 * The last part may be empty. Throws what the reader throws, and `LimitError`.
 */
export async function* recordParts(
  tar: TarReader,
  { archiveSize, limits, from }: RecordPartsOptions,
): AsyncGenerator<RecordPart> {
  const unpacking = new Unpacking(limits, from);
  const pool = new BufferPool(POOL_BYTES);
  const open = (number: number, start: number) =>
    new OpenPart(number, start, recordPartBytes(number, archiveSize), pool);
  let part = open(from.parts + 1, from.partBytes);
  const close = (border: Border): RecordPart => {
    const { number, start, end, bytes, release } = part;
    if (number > MAX_PARTS && bytes.length > 0) throw tooManyParts(start);
    if (border !== 'end') part = open(number + 1, end);
    return { number, start, bytes, release, border, ...unpacking.take(number, end) };
  };

  for (let file = await tar.next(); file; file = await tar.next()) {
    unpacking.begin(file);
    const { name, size } = file;
    const recordName = size > RECORD_LIMIT_BYTES ? undefined : bareName(name);
    const modified = dosTime(file.mtime);
    const recordStart = part.end;
    const headerOf = (crc: number) =>
      localHeader(storedEntry(recordName ?? name, { size, crc32: crc, ...modified }));
    const header = part.leave(recordName === undefined ? 0 : headerOf(0).length);
    const dataStart = part.end;
    let crc = 0;
    for await (const piece of tar.data()) {
      crc = crc32(piece, crc);
      if (recordName !== undefined) part.add(piece);
      else {
        for (let rest = piece; rest.length > 0; ) {
          if (part.isFull) yield close(undefined);
          rest = part.fill(rest);
        }
      }
    }
    headerOf(crc).copy(header);
    const place = { recordName, recordStart, dataStart };
    unpacking.add({ name, size, crc32: crc, ...modified, ...place });
    if (part.isFull) yield close(tar.checkpoint());
  }
  yield close('end');
}

function bareName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function tooManyParts(bytes: number): LimitError {
  return new LimitError(
    `The archive unpacks to more than ${bytes} bytes, the most that an upload of ${MAX_PARTS} parts takes; split it, or compress it less`,
  );
}

/** A part that is being filled. */
class OpenPart {
  readonly number: number;
  readonly start: number;
  readonly #target: number;
  readonly #buffer: Buffer;
  #length = 0;

  /** Gives its buffer back. */
  readonly release: () => void;

  constructor(number: number, start: number, target: number, pool: BufferPool) {
    this.number = number;
    this.start = start;
    this.#target = target;
    const { bytes, release } = pool.take(target + RECORD_LIMIT_BYTES + MAX_HEADER_BYTES);
    this.#buffer = bytes;
    this.release = release;
  }

  get end(): number {
    return this.start + this.#length;
  }

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  get isFull(): boolean {
    return this.#length >= this.#target;
  }

  /** Leaves room for what is not known yet. */
  leave(length: number): Buffer {
    const room = this.#buffer.subarray(this.#length, this.#length + length);
    this.#length += length;
    return room;
  }

  add(bytes: Buffer): void {
    this.#length += bytes.copy(this.#buffer, this.#length);
  }

  /** Adds what there is room for until it is full, and gives the rest. */
  fill(bytes: Buffer): Buffer {
    const room = this.#target - this.#length;
    this.add(bytes.subarray(0, room));
    return bytes.subarray(room);
  }
}
