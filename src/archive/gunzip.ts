import { crc32 } from 'node:zlib';
import { findCheckpoint } from './checkpoint-search.ts';
import { CheckpointList, type GunzipCheckpoint } from './gunzip-checkpoint.ts';
import { checkGzipTrailer, hasMoreMembers, readGzipHeader } from './gzip-header.ts';
import { GzipInput } from './gzip-input.ts';
import { GzipMember } from './gzip-member.ts';
import { type Inflated, inflateAtOnce } from './raw-inflater.ts';

export type { GunzipCheckpoint } from './gunzip-checkpoint.ts';

export interface GunzipOptions {
  /** Where to go on from; undefined from the start. */
  readonly from?: GunzipCheckpoint | undefined;
  /** Output from one checkpoint to the next, in bytes from 1 up. 32 MiB by default. */
  readonly checkpointBytes?: number;
}

/** To inflate so much again takes 0.1 s, and to make a checkpoint 1 to 2 ms (measured). */
const CHECKPOINT_BYTES = 32 * 1024 * 1024;

/**
 * The input goes to zlib in pieces of so many bytes at most. With a quarter of it incompressible data
 * takes a fifth longer (measured); and whether a checkpoint is due is looked at between the pieces.
 */
const PIECE_BYTES = 1024 * 1024;

/** Shorter chunks of the input are joined: handing a piece to the thread pool takes 0.05 ms (measured). */
const MIN_PIECE_BYTES = 32 * 1024;

/**
 * A member of up to so many bytes, deflated and inflated, is inflated in one call that blocks for 0.3
 * ms: to set up a stream takes 0.2 ms, twenty times what a tiny member takes (measured).
 */
const SMALL_MEMBER_BYTES = 64 * 1024;

const NO_DICTIONARY = Buffer.alloc(0);

/**
 * Inflates a gzip stream of one or more members (RFC 1952), and makes checkpoints from which it can be
 * taken up again in the middle.
 *
 * Gives the output in chunks of 1 MiB or so at most, as they are taken. The chunk after the one that was
 * given out is inflated meanwhile; five are held at most, whatever the input inflates to. They must not
 * be changed. What they hold is verified only behind them, where a member ends: its CRC-32 and size.
 *
 * The iteration throws `ArchiveError` by offset where a header, the data or a trailer is broken, where
 * the stream is cut off, and where something other than zero bytes follows it; and what the input's
 * iterator throws.
 *
 * A checkpoint is made about every `checkpointBytes`, where a member begins or else a block does (see
 * `findCheckpoint`). If no place is found within a megabyte of the input, the next search is after
 * another `checkpointBytes`.
 */
export class Gunzip implements AsyncIterable<Buffer> {
  readonly #input: GzipInput;
  readonly #from: GunzipCheckpoint | undefined;
  readonly #checkpointBytes: number;
  readonly #checkpoints = new CheckpointList();
  readonly #chunks: AsyncGenerator<Buffer>;
  /** Output after which the next checkpoint is wanted. */
  #nextCheckpoint: number;
  #outputOffset: number;

  /** `input` is the compressed stream from `from.inputOffset`, else from its start, cut anywhere. */
  constructor(input: AsyncIterable<Buffer>, options: GunzipOptions = {}) {
    const { from, checkpointBytes = CHECKPOINT_BYTES } = options;
    this.#input = new GzipInput(input, from?.inputOffset ?? 0);
    this.#from = from;
    this.#checkpointBytes = checkpointBytes;
    this.#outputOffset = from?.outputOffset ?? 0;
    this.#nextCheckpoint = this.#outputOffset + checkpointBytes;
    this.#chunks = this.#oneAhead(this.#members());
  }

  /**
   * The newest checkpoint whose `outputOffset` is at or before `outputOffset`; older ones are
   * forgotten. Undefined where there is none, to begin where this one began.
   */
  checkpointBefore(outputOffset: number): GunzipCheckpoint | undefined {
    return this.#checkpoints.before(outputOffset);
  }

  /** Compressed bytes that have been used up, from the start of the stream. */
  get inputOffset(): number {
    return this.#input.offset;
  }

  /** Output bytes that have been given out, from the start of the stream's output. */
  get outputOffset(): number {
    return this.#outputOffset;
  }

  /**
   * The one pass over the output. Its `return()` frees zlib's memory and closes the input, once the
   * input has given what it was last asked for.
   */
  [Symbol.asyncIterator](): AsyncIterator<Buffer> {
    return this.#chunks;
  }

  /** Has the next chunk made while the one before is being used. */
  async *#oneAhead(chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
    try {
      for (let next = chunks.next(); ; ) {
        const { done, value } = await next;
        if (done) return;
        next = chunks.next();
        // Its failure is met when its turn comes, which may be after it has happened.
        next.catch(() => {});
        // The consumer may keep this thread busy for long: the thread pool gets its next piece first.
        await new Promise((resolve) => setImmediate(resolve));
        this.#outputOffset += value.length;
        yield value;
      }
    } finally {
      await chunks.return(undefined);
    }
  }

  async *#members(): AsyncGenerator<Buffer> {
    const from = this.#from;
    try {
      let end = from?.member
        ? yield* this.#data(new GzipMember(this.#input, from.outputOffset, from), from.bitOffset)
        : yield* this.#member(this.#outputOffset);
      while (await hasMoreMembers(this.#input)) end = yield* this.#member(end);
    } finally {
      await this.#input.close();
    }
  }

  /** Gives a member's output, which begins at `outputOffset`, and then says where it ends. */
  async *#member(outputOffset: number): AsyncGenerator<Buffer, number> {
    const input = this.#input;
    const inputOffset = input.offset;
    await readGzipHeader(input);
    if (outputOffset >= this.#nextCheckpoint) {
      this.#add({ inputOffset, bitOffset: 0, outputOffset, dictionary: '', member: undefined });
    }
    const small = smallMember(await input.some());
    if (!small) return yield* this.#data(new GzipMember(input, outputOffset), 0);

    const { output, used } = small;
    if (output.length > 0) yield output;
    input.skip(used);
    await checkGzipTrailer(input, { crc32: crc32(output), size: output.length });
    return outputOffset + output.length;
  }

  /** Gives the output of a member's data, from the bit at which it begins or is taken up again. */
  async *#data(member: GzipMember, bitOffset: number): AsyncGenerator<Buffer, number> {
    try {
      if (bitOffset > 0) yield* member.restart(bitOffset);
      while (!member.hasEnded) {
        if (member.outputOffset < this.#nextCheckpoint) {
          await this.#input.atLeast(MIN_PIECE_BYTES);
          yield* member.inflate(PIECE_BYTES);
        } else {
          const checkpoint = yield* findCheckpoint(member, this.#input);
          if (checkpoint) this.#add(checkpoint);
          else this.#nextCheckpoint = member.outputOffset + this.#checkpointBytes;
        }
      }
      await checkGzipTrailer(this.#input, member.facts);
      return member.outputOffset;
    } finally {
      member.close();
    }
  }

  #add(checkpoint: GunzipCheckpoint): void {
    this.#checkpoints.add(checkpoint);
    this.#nextCheckpoint = checkpoint.outputOffset + this.#checkpointBytes;
  }
}

/** The member whose data `bytes` begin with, if it is small and they hold all of it. */
function smallMember(bytes: Buffer): Inflated | undefined {
  const piece = bytes.subarray(0, SMALL_MEMBER_BYTES);
  const inflated = inflateAtOnce(piece, NO_DICTIONARY, SMALL_MEMBER_BYTES);
  return inflated && inflated.used < piece.length ? inflated : undefined;
}
