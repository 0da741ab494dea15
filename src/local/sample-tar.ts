import { pipeline } from 'node:stream';
import { createGzip } from 'node:zlib';
import { CHUNK_BYTES, type SampleFile } from './sample-files.ts';

/** Headers and files begin at multiples of this (POSIX pax, "ustar Interchange Format"). In bytes. */
const BLOCK_BYTES = 512;

/** GNU tar and others write records of 20 blocks, and fill up the last one with zeros. In bytes. */
const RECORD_BYTES = 20 * BLOCK_BYTES;

/** Two blocks of zeros end an archive (POSIX pax). In bytes. */
const END_BYTES = 2 * BLOCK_BYTES;

/** What `tar -cf x.tar .` puts before the names that it finds, and the name of the folder itself. */
const PREFIX = './';

/** 2024-03-01 12:00:00 UTC, in seconds since the epoch: a sample has no clock. */
const MODIFIED = Date.UTC(2024, 2, 1, 12) / 1000;

/** The `typeflag` of an entry (POSIX pax). */
const FILE = '0';
const FOLDER = '5';

const CHECKSUM_OFFSET = 148;
const CHECKSUM_BYTES = 8;

/** gzip's own default, as `tar -cz` gets it. */
const GZIP_LEVEL = 6;

/** A TAR, piece by piece, as `tar --format=ustar -cf x.tar .` makes it in a folder that holds `files`. */
export function* tarPieces(files: readonly SampleFile[]): Generator<Buffer> {
  let length = BLOCK_BYTES;
  yield header(PREFIX, FOLDER, 0o755, 0);
  for (const { name, content } of files) {
    const bytes = content();
    const padding = Buffer.alloc(fillUp(bytes.length, BLOCK_BYTES));
    yield header(PREFIX + name, FILE, 0o644, bytes.length);
    yield bytes;
    yield padding;
    length += BLOCK_BYTES + bytes.length + padding.length;
  }
  yield Buffer.alloc(END_BYTES + fillUp(length + END_BYTES, RECORD_BYTES));
}

/** Compresses chunks with gzip as they come. The same each time on one machine: zlib may have its ways on another. */
export async function* gzipChunks(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gzip = createGzip({ level: GZIP_LEVEL, chunkSize: CHUNK_BYTES });
  // An error of either side ends the stream, and is thrown below.
  pipeline(chunks, gzip, () => {});
  yield* gzip;
}

/** A header of a file whose name is shorter than 100 bytes and that is smaller than 8 GiB (POSIX pax). */
function header(name: string, type: string, mode: number, size: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.write(name, 0);
  block.write(octal(mode, 8), 100);
  block.write(octal(0, 8), 108); // uid
  block.write(octal(0, 8), 116); // gid
  block.write(octal(size, 12), 124);
  block.write(octal(MODIFIED, 12), 136);
  block.write(type, 156);
  block.write('ustar\x0000', 257); // magic and version
  block.write('root', 265); // uname
  block.write('root', 297); // gname
  // The sum is made with spaces in its own field.
  block.fill(' ', CHECKSUM_OFFSET, CHECKSUM_OFFSET + CHECKSUM_BYTES);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(octal(sum, CHECKSUM_BYTES), CHECKSUM_OFFSET);
  return block;
}

/** A field of `width` bytes: octal digits with leading zeros, and a NUL behind them. */
function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, '0')}\0`;
}

/** How much `length` lacks to the next multiple of `unit`. */
function fillUp(length: number, unit: number): number {
  return (unit - (length % unit)) % unit;
}
