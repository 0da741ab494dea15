import { constants, crc32, deflateRawSync, gzipSync, type ZlibOptions } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { GunzipCheckpoint } from '../../src/archive/gunzip-checkpoint.ts';
import { type Inflated, inflateAtOnce } from '../../src/archive/raw-inflater.ts';
import {
  bitsOf,
  craftMember,
  cut,
  gunzip,
  noise,
  packBits,
  resume,
  text,
} from '../support/gzip-cases.ts';
import { runPython } from '../support/python.ts';

const PAYLOADS: Record<string, Buffer> = {
  text: text(2_000_000),
  noise: noise(2_000_000),
  // Every other byte is below 128: worth codes of its own, though nothing matches.
  'skewed noise': noise(2_000_000).map((byte, index) => (index % 2 ? byte & 0x7f : byte)) as Buffer,
  'noise and text': Buffer.concat([noise(700_000), text(600_000), noise(700_000, 1)]),
};

const CHECKPOINT_BYTES = 400_000;

/** One every `CHECKPOINT_BYTES`, and up to 300 kB for where blocks begin and for the pieces of the input. */
const LEAST_CHECKPOINTS = Math.floor(2_000_000 / (CHECKPOINT_BYTES + 300_000));

/** Inflates a stream, and again from each of its checkpoints; all must give the payload. */
async function checkpointsOf(
  stream: Buffer,
  payload: Buffer,
  { checkpointBytes = CHECKPOINT_BYTES, chunkBytes = 64 * 1024 } = {},
): Promise<readonly GunzipCheckpoint[]> {
  const whole = await gunzip(cut(stream, chunkBytes), { checkpointBytes });
  expect(whole.error).toBeUndefined();
  expect(whole.output.equals(payload)).toBe(true);
  for (const checkpoint of whole.checkpoints) {
    const { output, error, gunzip: pass } = await resume(stream, checkpoint, chunkBytes);
    expect(error).toBeUndefined();
    expect(output.equals(payload.subarray(checkpoint.outputOffset))).toBe(true);
    expect(pass.inputOffset).toBe(stream.length);
    expect(pass.outputOffset).toBe(payload.length);
  }
  return whole.checkpoints;
}

/** Python's gzip, at a level. */
function pythonGzip(payload: Buffer, level: number): Buffer {
  const program = `import gzip, sys; sys.stdout.buffer.write(gzip.compress(sys.stdin.buffer.read(), ${level}))`;
  return runPython(program, payload);
}

/** A member of pieces that are deflated on their own, each flushed to a byte, as pigz writes it. */
function flushedGzip(payload: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let start = 0; start < payload.length; start += 128 * 1024) {
    pieces.push(
      deflateRawSync(payload.subarray(start, start + 128 * 1024), {
        finishFlush: constants.Z_SYNC_FLUSH,
        dictionary: payload.subarray(Math.max(0, start - 32 * 1024), start),
      }),
    );
  }
  pieces.push(deflateRawSync(Buffer.alloc(0)));
  return craftMember({ data: payload, deflated: Buffer.concat(pieces) });
}

/** Stored blocks of so many bytes, RFC 1951 section 3.2.4. */
function storedBlocks(payload: Buffer, blockBytes: number): Buffer {
  const blocks: Buffer[] = [];
  for (let start = 0; start < payload.length; start += blockBytes) {
    const data = payload.subarray(start, start + blockBytes);
    const header = Buffer.from([start + blockBytes < payload.length ? 0 : 1, 0, 0, 0, 0]);
    header.writeUInt16LE(data.length, 1);
    header.writeUInt16LE(0xffff - data.length, 3);
    blocks.push(header, data);
  }
  return Buffer.concat(blocks);
}

describe.each(Object.entries(PAYLOADS))('inflating is taken up again in %s', (_, payload) => {
  test.each<[string, ZlibOptions]>([
    ['level 0', { level: 0 }],
    ['level 1', { level: 1 }],
    ['level 6', {}],
    ['level 9', { level: 9 }],
    ['small blocks', { memLevel: 1 }],
    ['matches of one distance', { strategy: constants.Z_RLE }],
    ['no matches', { strategy: constants.Z_HUFFMAN_ONLY }],
  ])('%s', async (_, options) => {
    const checkpoints = await checkpointsOf(gzipSync(payload, options), payload);
    expect(checkpoints.length).toBeGreaterThanOrEqual(LEAST_CHECKPOINTS);
  });

  test('flushed pieces', async () => {
    const checkpoints = await checkpointsOf(flushedGzip(payload), payload);
    expect(checkpoints.length).toBeGreaterThanOrEqual(LEAST_CHECKPOINTS);
  });
});

test.each([1, 6, 9])(
  "inflating is taken up again in what Python's gzip makes, level %i",
  async (level) => {
    const payload = PAYLOADS['noise and text'] as Buffer;
    const checkpoints = await checkpointsOf(pythonGzip(payload, level), payload);
    expect(checkpoints.length).toBeGreaterThanOrEqual(LEAST_CHECKPOINTS);
  },
);

test('a checkpoint holds what comes before it, and how far the member is', async () => {
  const payload = text(3_000_000);
  const stream = Buffer.concat([gzipSync(payload), gzipSync(payload)]);
  const checkpoints = await checkpointsOf(stream, Buffer.concat([payload, payload]), {
    checkpointBytes: 2_000_000,
  });
  expect(checkpoints).toHaveLength(2);
  const [inFirst, inSecond] = checkpoints as [GunzipCheckpoint, GunzipCheckpoint];
  expect(inFirst.member).toEqual({
    crc32: crc32(payload.subarray(0, inFirst.outputOffset)),
    size: inFirst.outputOffset,
  });
  expect(inSecond.member?.size).toBe(inSecond.outputOffset - payload.length);
  expect(Buffer.from(inFirst.dictionary, 'base64')).toEqual(
    payload.subarray(inFirst.outputOffset - 32 * 1024, inFirst.outputOffset),
  );
});

test('where a member begins there is a checkpoint, once enough has been inflated', async () => {
  const payloads = Array.from({ length: 100 }, (_, index) => text(10_000, index));
  const members = payloads.map((data) => gzipSync(data));
  const stream = Buffer.concat(members);
  const checkpoints = await checkpointsOf(stream, Buffer.concat(payloads), {
    checkpointBytes: 25_000,
  });
  expect(checkpoints.map(({ outputOffset }) => outputOffset)).toEqual(
    Array.from({ length: 33 }, (_, index) => 30_000 * (index + 1)),
  );
  expect(checkpoints[0]).toEqual({
    inputOffset: Buffer.concat(members.slice(0, 3)).length,
    bitOffset: 0,
    outputOffset: 30_000,
    dictionary: '',
    member: undefined,
  });
});

test.each([0, 1, 2, 3, 4, 5, 6, 7])(
  'inflating is taken up again at bit %i of a byte',
  async (bit) => {
    // BFINAL 0, BTYPE 01, a literal of 0xff and an end of block: 19 bits. So many of these blocks lie
    // before the next that it begins at the bit.
    const filler = ['0', '10', '111111111', '0000000'].join('');
    const count = [0, 1, 2, 3, 4, 5, 6, 7].find((blocks) => (19 * blocks) % 8 === bit) ?? 0;
    const start = noise(50_000);
    const rest = text(500_000);
    const payload = Buffer.concat([start, Buffer.alloc(count, 0xff), rest]);
    const first = storedBlocks(start, start.length);
    first.writeUInt8(0); // is not the last
    const last = deflateRawSync(rest);
    const shifted = Buffer.concat([first, packBits(filler.repeat(count) + bitsOf(last))]);
    // The bits behind the last block may reach into one byte more than they did.
    const { used } = inflateAtOnce(shifted, Buffer.alloc(0), payload.length) as Inflated;
    const stream = craftMember({ data: payload, deflated: shifted.subarray(0, used) });
    const [checkpoint] = await checkpointsOf(stream, payload, {
      checkpointBytes: 50_000,
      chunkBytes: 10 + first.length,
    });
    expect(checkpoint?.bitOffset).toBe(bit);
  },
);

describe('what is no block', () => {
  test('a length and its complement, stored again and again, are not believed', async () => {
    // From any second byte on a block seems to begin that gives just what follows, 65,280 bytes of it
    // or 65,535.
    const payload = Buffer.alloc(600_000, 'ffff0000', 'hex');
    const stream = craftMember({ data: payload, deflated: storedBlocks(payload, 65_535) });
    for (const checkpointBytes of [1, 50_000, 65_530]) {
      await checkpointsOf(stream, payload, { checkpointBytes, chunkBytes: 40_000 });
    }
  });

  test.each([0, 6])(
    'deflate streams in stored blocks are not believed, level %i',
    async (level) => {
      const inner = Array.from({ length: 30 }, (_, index) => gzipSync(text(150_000, index)));
      const payload = Buffer.concat(inner);
      const stream = gzipSync(payload, { level });
      const checkpoints = await checkpointsOf(stream, payload, { checkpointBytes: 150_000 });
      expect(checkpoints.length).toBeGreaterThan(3);
    },
  );

  test('the last block, whose first bit stands before those that are looked at, is not believed', async () => {
    // The trailer doesn't give it away: with the CRC-32 of this noise, c36be14d, it could be the
    // beginning of a block's header.
    const payload = noise(130_000, 91);
    const stream = craftMember({ data: payload, deflated: storedBlocks(payload, 65_000) });
    // The search begins near the end of the first of two blocks.
    const options = { checkpointBytes: 60_000, chunkBytes: 64_000 };
    expect(await checkpointsOf(stream, payload, options)).toEqual([]);
  });
});

test('blocks with fixed codes are passed over, and a search that gave up is made again', async () => {
  const fixed = text(8_000_000);
  const dynamic = text(2_000_000, 1);
  const deflated = [
    deflateRawSync(fixed, { strategy: constants.Z_FIXED, finishFlush: constants.Z_SYNC_FLUSH }),
    deflateRawSync(dynamic),
  ];
  const payload = Buffer.concat([fixed, dynamic]);
  const stream = craftMember({ data: payload, deflated: Buffer.concat(deflated) });
  const checkpoints = await checkpointsOf(stream, payload);
  expect(checkpoints.length).toBeGreaterThan(1);
  // The first one may be where the flush is.
  expect(checkpoints[0]?.outputOffset).toBeGreaterThanOrEqual(fixed.length);
});
