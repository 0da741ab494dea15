import type { BufferPool, PooledBuffer } from '../archive/buffer-pool.ts';
import { isLiteral, type Piece, pieceLength } from '../archive/layout.ts';
import { type RecordFacts, verifyRecords } from '../archive/zip-verify.ts';
import { inLanes } from './lanes.ts';

/** Ranges with no more than this between them (bytes) may be read together: a request costs more than the gap. */
const MAX_GAP_BYTES = 64 * 1024;

/** A single read is no longer than this (bytes), so that the reads of a part overlap. */
const MAX_READ_BYTES = 4 * 1024 * 1024;

/** Reads of one part that are under way at once. */
const READ_LANES = 8;

/**
 * The most that a joined part holds, as a multiple of its size: the part itself, its bytes as they
 * were read, and as much again of gaps that were read over.
 */
export const JOIN_MEMORY_FACTOR = 3;

export interface JoinOptions {
  readonly pieces: readonly Piece[];
  /** The layout's entries, which the pieces' `entry` indexes. */
  readonly entries: readonly RecordFacts[];
  /** Told of each entry that has been checked. Undefined where none is to be. */
  readonly onVerified: ((entry: RecordFacts) => void) | undefined;
  readonly signal: AbortSignal;
  /** Reads the source from `start` up to, not including, `end`, into `room`, and gives `room` or other bytes. */
  readonly read: (start: number, end: number, signal: AbortSignal, room: Buffer) => Promise<Buffer>;
  /** Where large buffers come from. */
  readonly pool: BufferPool;
}

/** A buffer below this size (bytes) is not worth keeping. */
const POOLED_BYTES = 1024 * 1024;

/** A read of the source, the bytes of it that are wanted, and what it gave. */
interface Read {
  readonly start: number;
  end: number;
  wanted: number;
  bytes: Buffer;
}

/**
 * Joins literals and source ranges into one buffer, which is valid while `use` runs. Ranges that lie
 * near each other are fetched by one read. With `onVerified`, an entry's whole record is fetched even
 * where only its data is wanted, and checked before the bytes are given out; throws ArchiveError where
 * it is not what the archive says.
 */
export async function joinPieces<T>(
  options: JoinOptions,
  use: (joined: Buffer) => Promise<T>,
): Promise<T> {
  const taken: PooledBuffer[] = [];
  const room = (length: number): Buffer => {
    if (length < POOLED_BYTES) return Buffer.allocUnsafe(length);
    const buffer = options.pool.take(length);
    taken.push(buffer);
    return buffer.bytes;
  };
  const reads: Read[] = [];
  const readOf = options.pieces.map((piece) => placeInReads(reads, piece, options));
  try {
    await inLanes(reads, READ_LANES, options.signal, async (read, signal) => {
      const { start, end } = read;
      read.bytes = await options.read(start, end, signal, room(end - start));
    });
    const size = options.pieces.reduce((sum, piece) => sum + pieceLength(piece), 0);
    return await use(await join(options, readOf, room(size)));
  } finally {
    for (const { release } of taken) release();
  }
}

/** Fills `joined` with the pieces, whose reads are done. */
async function join(
  options: JoinOptions,
  readOf: readonly (Read | undefined)[],
  joined: Buffer,
): Promise<Buffer> {
  let end = 0;
  for (const [index, piece] of options.pieces.entries()) {
    const read = readOf[index];
    if (isLiteral(piece)) {
      end += piece.bytes.copy(joined, end);
    } else if (read) {
      const entry = entryToVerify(piece, options);
      if (entry) {
        const record = sliceOf(read, entry.recordStart, entry.recordEnd);
        await verifyRecords([entry], [record], options.onVerified);
      }
      end += sliceOf(read, piece.start, piece.end).copy(joined, end);
    }
  }
  return joined;
}

/** Finds, or adds, the read that gives a piece's bytes; none for a literal and for nothing. */
function placeInReads(reads: Read[], piece: Piece, options: JoinOptions): Read | undefined {
  if (isLiteral(piece)) return undefined;
  const entry = entryToVerify(piece, options);
  const start = entry ? entry.recordStart : piece.start;
  const end = entry ? entry.recordEnd : piece.end;
  if (start === end) return undefined;

  const last = reads.at(-1);
  if (last && canExtend(last, start, end)) {
    last.end = end;
    last.wanted += end - start;
    return last;
  }
  const read = { start, end, wanted: end - start, bytes: Buffer.alloc(0) };
  reads.push(read);
  return read;
}

function canExtend(read: Read, start: number, end: number): boolean {
  const gap = start - read.end;
  const gapsInAll = start - read.start - read.wanted;
  return (
    gap >= 0 &&
    gap <= MAX_GAP_BYTES &&
    gapsInAll <= read.wanted &&
    end - read.start <= MAX_READ_BYTES
  );
}

function entryToVerify(
  piece: Piece,
  { onVerified, entries }: JoinOptions,
): RecordFacts | undefined {
  return onVerified && !isLiteral(piece) && piece.entry !== undefined
    ? entries[piece.entry]
    : undefined;
}

function sliceOf(read: Read, start: number, end: number): Buffer {
  return read.bytes.subarray(start - read.start, end - read.start);
}
