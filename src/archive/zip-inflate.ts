import { crc32, createInflateRaw, type InflateRaw, inflateRawSync } from 'node:zlib';
import type { ByteSource } from './byte-source.ts';
import { entryError } from './entry-names.ts';
import type { ZipEntry } from './zip-entry.ts';

/** What inflating an entry needs to know of it. */
export type DeflatedFacts = Pick<ZipEntry, 'name' | 'compressedSize' | 'uncompressedSize'>;

/**
 * Entries of up to this many bytes, deflated and inflated, are inflated in one call that blocks for
 * 0.2 ms: a stream takes 0.15 ms to set up, ten times what a small entry takes to inflate (measured).
 */
const BLOCK_BYTES = 64 * 1024;

/** Output of a stream comes in chunks of this many bytes: twice as fast as zlib's 16 KiB (measured). */
const STREAM_CHUNK_BYTES = 256 * 1024;

/**
 * Inflates an entry's data, the next `compressedSize` bytes of `source`, and gives the CRC-32 of the
 * result. Stops as soon as there is more of it than declared. Throws `ArchiveError` unless the data is
 * one deflate stream (RFC 1951) to the last byte that inflates to the declared size.
 */
export async function inflatedCrc(entry: DeflatedFacts, source: ByteSource): Promise<number> {
  return Math.max(entry.compressedSize, entry.uncompressedSize) <= BLOCK_BYTES
    ? inflateBlock(entry, await source.take(entry.compressedSize))
    : inflateStream(entry, source);
}

function inflateBlock(entry: DeflatedFacts, data: Buffer): number {
  try {
    const { buffer, engine } = inflateRawSync(data, {
      info: true,
      // One byte more than declared is enough to know, and zlib takes no limit of 0.
      maxOutputLength: entry.uncompressedSize + 1,
    }) as unknown as { buffer: Buffer; engine: InflateRaw };
    assertSizes(entry, engine.bytesWritten, buffer.length);
    return crc32(buffer);
  } catch (error) {
    throw asEntryError(entry, error);
  }
}

async function inflateStream(entry: DeflatedFacts, source: ByteSource): Promise<number> {
  const inflate = createInflateRaw({ chunkSize: STREAM_CHUNK_BYTES });
  let crc = 0;
  let size = 0;
  inflate.on('data', (output: Buffer) => {
    size += output.length;
    if (size > entry.uncompressedSize) inflate.destroy(tooLarge(entry));
    else crc = crc32(output, crc);
  });
  // A write that holds more than the stream's end is never called back, nor is one that fails: the
  // events tell of these.
  let wake = () => {};
  inflate.once('end', () => wake()).once('error', () => wake());
  const step = async (act: (done: () => void) => void): Promise<void> => {
    await new Promise<void>((resolve) => {
      wake = resolve;
      act(resolve);
    });
    if (inflate.errored) throw inflate.errored;
  };
  try {
    for (let left = entry.compressedSize; left > 0 && !inflate.readableEnded; ) {
      const piece = await source.piece(left);
      left -= piece.length;
      await step((done) => inflate.write(piece, done));
    }
    if (!inflate.readableEnded) await step(() => inflate.end());
  } catch (error) {
    throw asEntryError(entry, error);
  } finally {
    inflate.destroy();
  }
  assertSizes(entry, inflate.bytesWritten, size);
  return crc;
}

function assertSizes(entry: DeflatedFacts, consumed: number, produced: number): void {
  if (produced > entry.uncompressedSize) throw tooLarge(entry);
  if (produced < entry.uncompressedSize) {
    throw entryError(
      entry.name,
      `inflates to ${produced} bytes, the archive says ${entry.uncompressedSize}`,
    );
  }
  if (consumed !== entry.compressedSize) {
    throw entryError(
      entry.name,
      `its deflate stream ends after ${consumed} of ${entry.compressedSize} bytes`,
    );
  }
}

function tooLarge({ name, uncompressedSize }: DeflatedFacts): Error {
  return entryError(name, `inflates to more than the ${uncompressedSize} bytes that it declares`);
}

/** zlib's own errors are facts about the entry; others, of where the chunks come from, are not. */
function asEntryError(entry: DeflatedFacts, error: unknown): unknown {
  const { name, compressedSize } = entry;
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ERR_BUFFER_TOO_LARGE':
      return tooLarge(entry);
    case 'Z_BUF_ERROR':
      return entryError(name, `its deflate stream does not end within its ${compressedSize} bytes`);
    case 'Z_DATA_ERROR':
    case 'Z_NEED_DICT':
      return entryError(name, `its deflate stream is broken: ${(error as Error).message}`);
    default:
      return error;
  }
}
