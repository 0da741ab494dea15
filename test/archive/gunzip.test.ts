import { pbkdf2 } from 'node:crypto';
import { Duplex } from 'node:stream';
import { promisify } from 'node:util';
import { gzipSync, InflateRaw } from 'node:zlib';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { ArchiveError } from '../../src/archive/errors.ts';
import { Gunzip } from '../../src/archive/gunzip.ts';
import { craftMember, cut, gunzip, noise, text } from '../support/gzip-cases.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('the output', () => {
  const payload = Buffer.concat([text(400_000), noise(100_000), Buffer.alloc(3_000_000)]);
  const stream = gzipSync(payload);

  test.each([
    ['in one piece', [stream.length]],
    ['in bytes', [1]],
    ['in pieces of all sizes', [1, 60_000, 2, 0, 0, 300, 7]],
  ])('is that of a stream %s', async (_, lengths) => {
    const { output, error, gunzip: pass } = await gunzip(cut(stream, ...lengths));
    expect(error).toBeUndefined();
    expect(output.equals(payload)).toBe(true);
    expect(pass.inputOffset).toBe(stream.length);
    expect(pass.outputOffset).toBe(payload.length);
  });

  test.each([
    ['empty', [0, 0, 0]],
    ['small', [1, 100, 20_000, 65_535, 65_536]],
    ['small and large', [1, 200_000, 0, 1_000_000, 65_537, 300]],
  ])('is that of all members, %s', async (_, lengths) => {
    const payloads = lengths.map((length, index) => text(length, index));
    const members = Buffer.concat(payloads.map((data) => craftMember({ data })));
    for (const length of [members.length, 4096]) {
      const { output, error } = await gunzip(cut(members, length));
      expect(error).toBeUndefined();
      expect(output.equals(Buffer.concat(payloads))).toBe(true);
    }
  });

  test('is counted as it is given', async () => {
    const pass = new Gunzip(cut(stream, 1000));
    let given = 0;
    for await (const chunk of pass) {
      given += chunk.length;
      expect(pass.outputOffset).toBe(given);
      expect(pass.inputOffset).toBeLessThanOrEqual(stream.length);
    }
    expect(given).toBe(payload.length);
  });

  test('is counted with the input that it comes from, however little that is', async () => {
    const pale = Buffer.alloc(20_000_000, 'words that come again and again ');
    const little = gzipSync(pale);
    const pass = new Gunzip(cut(little));
    let given = 0;
    for await (const chunk of pass) {
      given += chunk.length;
      expect(pass.inputOffset).toBeGreaterThan(0.9 * little.length * (given / pale.length));
    }
  });
});

describe('data that is broken', () => {
  const payload = noise(2_000_000);
  const stream = gzipSync(payload, { level: 0 });

  test('is refused by where it is, with the reason', async () => {
    const broken = Buffer.from(stream);
    // Of the stored blocks one begins in each 64 KiB; the byte behind its first is that of its length.
    const block = stream.indexOf(Buffer.from([0, 0, 128, 255, 127]), 500_000);
    broken.writeUInt8(1, block + 1);
    const { output, error } = await gunzip(cut(broken, 100_000));
    expect(error).toBeInstanceOf(ArchiveError);
    const [, start, end] =
      /^The gzip stream is broken between offsets (\d+) and (\d+): invalid stored block lengths$/.exec(
        error?.message ?? '',
      ) ?? [];
    expect(Number(start)).toBeLessThanOrEqual(block);
    expect(Number(end)).toBeGreaterThan(block);
    expect(Number(end) - Number(start)).toBeLessThanOrEqual(256 * 1024);
    expect(output.length).toBeGreaterThan(0);
    expect(output.equals(payload.subarray(0, output.length))).toBe(true);
  });

  test('is refused in a small member, too', async () => {
    const deflated = Buffer.from([7]);
    const { error } = await gunzip(cut(craftMember({ data: text(100), deflated })));
    expect(error).toEqual(
      new ArchiveError('The gzip stream is broken between offsets 10 and 19: invalid block type'),
    );
  });
});

describe('the input', () => {
  const stream = gzipSync(noise(5_000_000));

  async function* failing(error: Error, after: number) {
    yield* cut(stream.subarray(0, after), 1000);
    throw error;
  }

  test.each([0, 5, 100_000, stream.length - 3, stream.length])(
    'may fail after %i bytes: its error is thrown as it is',
    async (after) => {
      const failure = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
      expect((await gunzip(failing(failure, after))).error).toBe(failure);
    },
  );

  /** An input that never ends by itself, and whether it was closed. */
  function endless(...chunks: Buffer[]) {
    const state = { isClosed: false };
    async function* input() {
      try {
        for (const chunk of chunks) yield* cut(chunk, 50_000);
        for (;;) yield Buffer.alloc(1000);
      } finally {
        state.isClosed = true;
      }
    }
    return { input: input(), state };
  }

  function freedInflaters(destroy: { mock: { contexts: unknown[] } }): number {
    return new Set(destroy.mock.contexts.filter((one) => one instanceof InflateRaw)).size;
  }

  test('is closed, and zlib is freed, when the consumer goes', async () => {
    const destroy = vi.spyOn(Duplex.prototype, 'destroy');
    const { input, state } = endless(stream);
    for await (const _ of new Gunzip(input)) break;
    expect(state.isClosed).toBe(true);
    expect(freedInflaters(destroy)).toBe(1);
  });

  test('is closed, and zlib is freed, when the stream is refused', async () => {
    const destroy = vi.spyOn(Duplex.prototype, 'destroy');
    const { input, state } = endless(stream, stream, Buffer.from('garbage'));
    expect((await gunzip(input)).error).toBeInstanceOf(ArchiveError);
    expect(state.isClosed).toBe(true);
    expect(freedInflaters(destroy)).toBe(2);
  });
});

test('the next piece is given to zlib before the consumer has the chunk of one', async () => {
  const write = vi.spyOn(Duplex.prototype, 'write');
  const stream = gzipSync(noise(4_000_000), { level: 0 });
  let chunks = 0;
  // In pieces of 500 kB, which zlib gives in one chunk each, or in two where its buffer of 1 MiB ends.
  for await (const chunk of new Gunzip(cut(stream, 500_000))) {
    if (chunk.length < 400_000) continue;
    chunks += 1;
    expect(write.mock.calls.length).toBeGreaterThanOrEqual(Math.min(8, chunks + 1));
  }
  expect(chunks).toBeGreaterThan(3);
});

describe('a stream that inflates to a thousand times its size', () => {
  const CHUNK_BYTES = 1024 * 1024;
  const size = 256 * CHUNK_BYTES;
  const bomb = gzipSync(Buffer.alloc(size));

  /** Waits while the thread pool, which inflates too, works for as long as many chunks take. */
  async function letZlibRun(): Promise<void> {
    await promisify(pbkdf2)('password', 'salt', 200_000, 64, 'sha512');
  }

  test('is inflated a few chunks ahead of what is taken, and no further', async () => {
    let pulled = 0;
    const input = (async function* () {
      for await (const chunk of cut(bomb, bomb.length / 2)) {
        pulled += 1;
        yield chunk;
      }
    })();
    const chunks = new Gunzip(input)[Symbol.asyncIterator]();
    for (let taken = 0; taken < 4; taken += 1) {
      const { value } = await chunks.next();
      expect(value?.length).toBeLessThanOrEqual(2 * CHUNK_BYTES);
      const before = process.memoryUsage().arrayBuffers;
      await letZlibRun();
      const held = process.memoryUsage().arrayBuffers - before;
      expect(held).toBeLessThanOrEqual(4 * CHUNK_BYTES);
    }
    expect(pulled).toBe(1);
    await chunks.return?.();
  });

  test('is given whole', async () => {
    let given = 0;
    for await (const chunk of new Gunzip(cut(bomb))) given += chunk.length;
    expect(given).toBe(size);
  });
});
