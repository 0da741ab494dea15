import { findBlock } from './deflate-blocks.ts';
import { MAX_HEADER_BYTES } from './deflate-codes.ts';
import { restartBytes } from './deflate-restart.ts';
import type { GunzipCheckpoint } from './gunzip-checkpoint.ts';
import type { GzipInput } from './gzip-input.ts';
import type { GzipMember } from './gzip-member.ts';
import { inflateAtOnce } from './raw-inflater.ts';

/**
 * A search looks at so many bytes of the input and then gives up. A block of zlib takes 5 to 65 KB of
 * it, one of libdeflate up to 300 KB.
 */
const SEARCH_BYTES = 1024 * 1024;

/** So many bytes of the input are looked at in one go, for 3 ms at most (measured). */
const WINDOW_BYTES = 64 * 1024;

/**
 * A place is believed once so many bytes of output from there on are right. More than a stored block
 * has (65,535): the last block of a member, which can be taken for another, comes to light at its end.
 */
const PROOF_BYTES = 96 * 1024;

/** A place is tried with so many bytes of the input first: most wrong ones fail at once. */
const FIRST_TRIAL_BYTES = 2 * 1024;

/** Then so many bytes are added at a time, until there is output enough to be tried once more. */
const ADDED_BYTES = 16 * 1024;

/** A trial holds no more output than this, in bytes; a place that gives more is passed over. */
const MAX_TRIAL_OUTPUT_BYTES = 4 * 1024 * 1024;

/**
 * Inflates on, giving the output, until a place is found and proven where inflating can be taken up
 * again; the result is its checkpoint. Gives up, with undefined, after a megabyte of the input and
 * where the member ends. Throws as `member.inflate` does.
 */
export async function* findCheckpoint(
  member: GzipMember,
  input: GzipInput,
): AsyncGenerator<Buffer, GunzipCheckpoint | undefined> {
  for (const limit = input.offset + SEARCH_BYTES; input.offset < limit && !member.hasEnded; ) {
    const bytes = (await input.atLeast(WINDOW_BYTES)).subarray(0, WINDOW_BYTES);
    // A header may lie across the end of what is at hand, unless that is the end of the input.
    const end = bytes.length < WINDOW_BYTES ? bytes.length : bytes.length - MAX_HEADER_BYTES;
    const block = findBlock(bytes, end);
    // Of the block itself less than its header is inflated with the byte that it begins in, so the
    // output up to there is that of the blocks before.
    yield* member.inflate(block ? block.byte + 1 : end);
    if (!block || member.hasEnded) continue;
    const checkpoint = member.checkpointAt(input.offset - 1, block.bit);
    const firstByte = bytes.readUInt8(block.byte);
    if (yield* proves(checkpoint, firstByte, member, input)) return checkpoint;
  }
  return undefined;
}

/**
 * Inflates on, giving the output, and tries whether inflating from the checkpoint gives the same, over
 * `PROOF_BYTES` or to the end of the member. `firstByte` is the one that the checkpoint begins in.
 */
async function* proves(
  checkpoint: GunzipCheckpoint,
  firstByte: number,
  member: GzipMember,
  input: GzipInput,
): AsyncGenerator<Buffer, boolean> {
  const restart = restartBytes(firstByte, checkpoint.bitOffset);
  const dictionary = Buffer.from(checkpoint.dictionary, 'base64');
  const trial = [restart];
  const expected: Buffer[] = [];
  let expectedBytes = 0;
  for (let length = FIRST_TRIAL_BYTES; ; length = ADDED_BYTES) {
    trial.push((await input.atLeast(length)).subarray(0, length));
    for await (const output of member.inflate(length)) {
      expectedBytes += output.length;
      if (expectedBytes <= MAX_TRIAL_OUTPUT_BYTES) expected.push(output);
      yield output;
    }
    if (expectedBytes > MAX_TRIAL_OUTPUT_BYTES) return false;

    const isEnough = member.hasEnded || expectedBytes >= PROOF_BYTES;
    if (!isEnough && length !== FIRST_TRIAL_BYTES) continue;
    const used = restart.length + input.offset - (checkpoint.inputOffset + 1);
    const given = inflateAtOnce(Buffer.concat(trial), dictionary, expectedBytes);
    if (given?.used !== used || !given.output.equals(Buffer.concat(expected))) return false;
    if (isEnough) return true;
  }
}
