import { crc32 } from 'node:zlib';
import type { FileCrcs } from '../archive/file-crcs.ts';
import { pieceLength, type SourceRange } from '../archive/layout.ts';
import {
  encodeCrcs,
  isUnread,
  type PartCrcs,
  readStretches,
  unreadRanges,
} from '../archive/part-crcs.ts';
import type { CopyPart, JoinPart } from '../archive/part-plan.ts';
import type { PlannedPart, PlannedPiece, StoredShard } from '../archive/zip-shard-file.ts';
import { turnsOf } from '../archive/zip-shards.ts';
import type { Budget } from './budget.ts';
import { originReader } from './byte-origin.ts';
import { type CopyOptions, copyOrMovePart, type MovedBytes } from './copy-part.ts';
import { counted } from './counted.ts';
import type { ObjectVersion } from './errors.ts';
import { inLanes, together } from './lanes.ts';
import { listParts, streamPart, uploadPart } from './multipart.ts';
import { readRange, streamRange } from './objects.ts';

/** Parts of one shard that are made at once, and objects that are read at once for one of them, if the process's budgets allow. */
const PART_LANES = 8;
const READ_LANES = 32;

/**
 * The largest part (bytes) that is put together in memory. Larger ones, which only archives of more than
 * 300 GB have, are uploaded as they are read; where a CRC-32 has to be known before, they are read twice.
 */
const MAX_JOINED_BYTES = 32 * 1024 * 1024;

/**
 * What a part that is put together holds, as a multiple of its size: the part itself, and what is on its
 * way in the buffers of sockets until it is copied there.
 */
const JOIN_MEMORY_FACTOR = 2;

/** What a streamed read holds at most (bytes): the socket's and the SDK's buffers. */
const STREAM_BYTES = 2 * 1024 * 1024;

/** How far a shard has come, over all attempts. Plain JSON: a retry goes on from it. */
export interface ShardProgress extends MovedBytes {
  /** Parts that S3 has, and their bytes. */
  parts: number;
  bytesDone: number;
  readonly crcs: PartCrcs;
}

export interface ZipPartsOptions extends CopyOptions {
  readonly shard: StoredShard;
  /** Objects that this process may read at once for parts that it joins. */
  readonly reads: Budget;
  /** Where CRC-32s that reading tells are noted, and headers take them from. */
  readonly crcs: FileCrcs;
  /** The bytes of a piece that is no range, once the CRC-32s that it needs are known. */
  readonly render: (piece: Exclude<PlannedPiece, SourceRange>) => Buffer;
  readonly signal: AbortSignal;
  readonly resumeFrom: ShardProgress | undefined;
  /** Called after each part, with the same object each time. */
  readonly onProgress: (progress: ShardProgress) => void;
  readonly maxJoinedBytes?: number;
}

/** A part, and what is to be done for it. */
interface PartTask {
  readonly part: PlannedPart;
  /** S3 has it already: it is only read, for CRC-32s that an attempt before took with it. */
  readonly isMade: boolean;
}

/**
 * Makes the parts of a shard that S3 does not have yet, in any order, and finds out the CRC-32s of its
 * files as they are read. An object is read once at most, unless its part is larger than what is joined
 * in memory; one that S3 copies, and whose CRC-32 is known, not at all.
 *
 * @throws ArchiveError where a file is not what S3 says of it
 * @throws ObjectChangedError where an object is no longer the version that was planned on
 * @throws UploadGoneError where the upload has been completed or aborted meanwhile
 */
export async function makeZipParts(options: ZipPartsOptions): Promise<ShardProgress> {
  const { shard, signal, resumeFrom } = options;
  const maker = new PartMaker(options, {
    parts: 0,
    bytesDone: 0,
    bytesCopied: resumeFrom?.bytesCopied ?? 0,
    bytesRead: resumeFrom?.bytesRead ?? 0,
    bytesWritten: resumeFrom?.bytesWritten ?? 0,
    crcs: {},
  });
  const tasks = await maker.findTasks();
  for (const turn of turnsOf(shard.parts, (file) => !isUnread(shard, file))) {
    const next = tasks.filter(({ part }) => turn.includes(part));
    await inLanes(next, PART_LANES, signal, (task, either) => maker.make(task, either));
  }
  return maker.progress;
}

class PartMaker {
  readonly progress: ShardProgress;
  readonly #options: ZipPartsOptions;

  constructor(options: ZipPartsOptions, progress: ShardProgress) {
    this.#options = options;
    this.progress = progress;
  }

  /** Asks S3 what there is, and takes over what an attempt before has found out. */
  async findTasks(): Promise<PartTask[]> {
    const { s3, upload, shard, crcs, signal, resumeFrom } = this.#options;
    const numbers = shard.parts.map(({ number }) => number);
    const [first = 1] = numbers;
    const range = { first, last: numbers.at(-1) ?? first };
    const uploaded = await listParts(s3, upload, signal, range);
    const tasks: PartTask[] = [];
    for (const part of shard.parts) {
      const isMade = uploaded.get(part.number)?.size === part.size;
      const record = resumeFrom?.crcs[part.number];
      if (record !== undefined) this.progress.crcs[part.number] = record;
      if (isMade) this.#countPart(part);
      const isRead = record !== undefined || unreadRanges(shard, part).length === 0;
      if (!isMade || !isRead) tasks.push({ part, isMade });
    }
    for (const stretch of readStretches(shard, this.progress.crcs)) crcs.note(...stretch);
    this.#options.onProgress(this.progress);
    return tasks;
  }

  async make({ part, isMade }: PartTask, signal: AbortSignal): Promise<void> {
    const { maxJoinedBytes = MAX_JOINED_BYTES } = this.#options;
    let found: readonly number[];
    if (part.kind === 'copy') found = await this.#copy(part, isMade, signal);
    else if (isMade) found = await this.#readUnread(part, signal);
    else if (part.size <= maxJoinedBytes) found = await this.#join(part, signal);
    else found = await this.#stream(part, signal);
    if (found.length > 0) this.progress.crcs[part.number] = encodeCrcs(found);
    if (!isMade) this.#countPart(part);
    this.#options.onProgress(this.progress);
  }

  #countPart(part: PlannedPart): void {
    this.progress.parts += 1;
    this.progress.bytesDone += part.size;
  }

  async #copy(part: CopyPart, isMade: boolean, signal: AbortSignal): Promise<readonly number[]> {
    let found: readonly number[] = [];
    const copy = async (either: AbortSignal) => {
      if (isMade) return;
      const { s3 } = this.#options;
      const origin = originReader(s3, { kind: 'object', object: this.#objectOf(part) });
      await copyOrMovePart(this.#options, origin, part, this.progress, either);
    };
    const read = async (either: AbortSignal) => {
      found = await this.#readUnread(part, either);
    };
    await together(signal, copy, read);
    return found;
  }

  /** Reads what of a part has to be read for its CRC-32, and holds nothing of it. */
  async #readUnread(part: PlannedPart, signal: AbortSignal): Promise<readonly number[]> {
    const { s3, bytes, crcs, shard } = this.#options;
    const ranges = unreadRanges(shard, part);
    const found = new Array<number>(ranges.length).fill(0);
    await inLanes(ranges.entries(), READ_LANES, signal, async ([index, range], either) => {
      const { source = 0, start, end } = range;
      await bytes.spend(STREAM_BYTES, either, async () => {
        let crc = 0;
        const chunks = streamRange(s3, this.#objectOf(range), start, end, either);
        for await (const chunk of counted(chunks, this.progress)) crc = crc32(chunk, crc);
        crcs.note(source, start, end, crc);
        found[index] = crc;
      });
    });
    return found;
  }

  /** Puts a part together in memory: each range is read straight to its place. */
  async #join(part: JoinPart<PlannedPiece>, signal: AbortSignal): Promise<readonly number[]> {
    const { s3, upload, bytes, pool } = this.#options;
    return bytes.spend(JOIN_MEMORY_FACTOR * part.size, signal, async () => {
      const { bytes: room, release } = pool.take(part.size);
      try {
        const found = await this.#readInto(room, part, signal);
        // Headers come last: what they say has just been read.
        for (const [piece, at] of placesOf(part)) {
          if (!('start' in piece)) this.#options.render(piece).copy(room, at);
        }
        await uploadPart(s3, upload, part.number, room, signal);
        this.progress.bytesWritten += room.length;
        return found;
      } finally {
        release();
      }
    });
  }

  async #readInto(
    room: Buffer,
    part: JoinPart<PlannedPiece>,
    signal: AbortSignal,
  ): Promise<readonly number[]> {
    const { s3, reads, crcs, shard } = this.#options;
    const ranges = placesOf(part).flatMap(([piece, at]) =>
      'start' in piece ? [{ piece, at }] : [],
    );
    const found = new Map<SourceRange, number>();
    await inLanes(ranges, READ_LANES, signal, async ({ piece, at }, either) => {
      const { source = 0, start, end } = piece;
      const place = room.subarray(at, at + end - start);
      await reads.spend(1, either, () =>
        readRange(s3, this.#objectOf(piece), start, end, either, place),
      );
      this.progress.bytesRead += place.length;
      if (!shard.sources.get(source)?.file) return;
      const crc = crc32(place);
      crcs.note(source, start, end, crc);
      found.set(piece, crc);
    });
    return unreadRanges(shard, part).map((range) => found.get(range) as number);
  }

  /** Uploads a part while it is read. */
  async #stream(part: JoinPart<PlannedPiece>, signal: AbortSignal): Promise<readonly number[]> {
    const { s3, upload, bytes } = this.#options;
    const found = await this.#readUnread(part, signal);
    await bytes.spend(STREAM_BYTES, signal, () =>
      streamPart(s3, upload, part.number, this.#chunksOf(part, signal), part.size, signal),
    );
    this.progress.bytesWritten += part.size;
    return found;
  }

  async *#chunksOf(part: JoinPart<PlannedPiece>, signal: AbortSignal): AsyncGenerator<Buffer> {
    const { s3, render } = this.#options;
    for (const piece of part.pieces) {
      if (!('start' in piece)) {
        yield render(piece);
        continue;
      }
      const { start, end } = piece;
      const chunks = streamRange(s3, this.#objectOf(piece), start, end, signal);
      yield* counted(chunks, this.progress);
    }
  }

  #objectOf({ source = 0 }: Pick<SourceRange, 'source'>): ObjectVersion {
    const object = this.#options.shard.sources.get(source);
    if (!object) throw new Error(`Expected source ${source} in its shard, got none`);
    return object;
  }
}

/** The pieces of a part with the offset in it where each begins. */
function placesOf({ pieces }: JoinPart<PlannedPiece>): [PlannedPiece, number][] {
  let end = 0;
  return pieces.map((piece) => {
    const at = end;
    end += pieceLength(piece);
    return [piece, at];
  });
}
