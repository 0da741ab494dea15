import { crc32 } from 'node:zlib';
import { type EntryFacts, METHOD_STORE } from '../archive/zip-entry.ts';
import { centralHeader, endRecords, localHeader } from '../archive/zip-records.ts';
import { paddedLength, padJpeg } from './mosaic-jpeg.ts';
import { sampleImageName, sampleManifest, uuid } from './sample-manifest.ts';
import { samplePicture } from './sample-picture.ts';
import { type SeededRandom, seededRandom } from './seeded-random.ts';

export interface SampleOptions {
  /** Rows of the manifest, and images. 1 or more. */
  readonly rows: number;
  /** Bytes of one image; a picture takes 3 to 4 KB, and stays at that where this is less. */
  readonly imageBytes: number;
  /** 32-bit integer: the same seed and options give the same bytes. */
  readonly seed: number;
  /** The archive's bare name; `512-2-<uuid>.zip` by default, as the client names it. */
  readonly fileName?: string;
  /** Puts the images into the archive in another order than the manifest's rows have. */
  readonly shuffle?: boolean;
}

/** An export as the client makes it: a ZIP of stored JPEGs, and `manifest.csv` behind them. */
export interface SampleExport {
  readonly fileName: string;
  /** The archive's size in bytes. */
  readonly size: number;
  readonly manifest: Buffer;
  /** The images' names in the order of the manifest's rows. */
  readonly imageNames: readonly string[];
  /** An image's bytes by its name; throws where there is no such image. */
  image(name: string): Buffer;
  /** The archive from its start, in chunks of about `CHUNK_BYTES`, made as they are read. */
  chunks(): AsyncGenerator<Buffer>;
}

/** A file of the archive: its size is known before its bytes are made. */
interface SampleFile {
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  content(): Buffer;
}

/** Streams of random values: image `n` has stream `n`, from 0, and the rest are counted from the end. */
const NAME_STREAM = 0xffffffff;
const MANIFEST_STREAM = 0xfffffffe;
const ORDER_STREAM = 0xfffffffd;

/** Large enough that a chunk costs nothing, small enough to hold many. In bytes. */
const CHUNK_BYTES = 1024 * 1024;

/** 2024-03-01 12:00:00, MS-DOS format (APPNOTE.TXT 4.4.6): a sample has no clock. */
const MODIFIED = { modTime: 12 << 11, modDate: ((2024 - 1980) << 9) | (3 << 5) | 1 };

/** Made by 2.0 on Unix (APPNOTE.TXT 4.4.2), a regular file with mode 644; stored, so 1.0 reads it. */
const UNIX_FILE = {
  versionMadeBy: (3 << 8) | 20,
  versionNeeded: 10,
  externalAttributes: (0o100644 << 16) >>> 0,
};

/** Plans a sample export. Its images are decodable, each different, and incompressible beyond the picture. */
export function sampleExport(options: SampleOptions): SampleExport {
  const { rows, seed, shuffle = false } = options;
  const names = seededRandom(seed, NAME_STREAM);
  const fileName = options.fileName ?? `512-2-${uuid(names)}.zip`;
  const imageNames = Array.from({ length: rows }, () => sampleImageName(names));
  const manifest = sampleManifest(imageNames, seededRandom(seed, MANIFEST_STREAM));
  const images = imageNames.map((name, index) => sampleImage(name, index, options));
  if (shuffle) shuffleInPlace(images, seededRandom(seed, ORDER_STREAM));
  const files = [
    ...images,
    { name: 'manifest.csv', size: manifest.length, content: () => manifest },
  ];
  return {
    fileName,
    size: archiveSize(files),
    manifest,
    imageNames,
    image: (name) => contentOf(images, name),
    chunks: () => archiveChunks(files),
  };
}

function sampleImage(name: string, index: number, { imageBytes, seed }: SampleOptions): SampleFile {
  const picture = (random: SeededRandom) => samplePicture(index + 1, random);
  return {
    name,
    size: paddedLength(picture(seededRandom(seed, index)).length, imageBytes),
    content: () => {
      const random = seededRandom(seed, index);
      return padJpeg(picture(random), imageBytes, random.bytes);
    },
  };
}

function contentOf(images: readonly SampleFile[], name: string): Buffer {
  const image = images.find((candidate) => candidate.name === name);
  if (!image) throw new Error(`The sample has no image ${name}`);
  return image.content();
}

function archiveSize(files: readonly SampleFile[]): number {
  let end = 0;
  for (const { name, size } of files) end += localHeader(storedEntry(name, size, 0)).length + size;
  return end + centralDirectory(files, new Uint32Array(files.length)).length;
}

async function* archiveChunks(files: readonly SampleFile[]): AsyncGenerator<Buffer> {
  const checksums = new Uint32Array(files.length);
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  for (const [index, { name, size, content }] of files.entries()) {
    const bytes = content();
    checksums[index] = crc32(bytes);
    const header = localHeader(storedEntry(name, size, checksums[index]));
    pending.push(header, bytes);
    pendingBytes += header.length + bytes.length;
    if (pendingBytes >= CHUNK_BYTES) {
      yield Buffer.concat(pending);
      pending = [];
      pendingBytes = 0;
    }
  }
  yield Buffer.concat([...pending, centralDirectory(files, checksums)]);
}

/** The central directory and the end records, made anew from names, sizes and CRC-32s. */
function centralDirectory(files: readonly SampleFile[], checksums: Uint32Array): Buffer {
  let offset = 0;
  const headers = files.map(({ name, size }, index) => {
    const facts = storedEntry(name, size, checksums[index] ?? 0);
    const header = centralHeader(facts, offset);
    offset += localHeader(facts).length + size;
    return header;
  });
  const directory = Buffer.concat(headers);
  const end = endRecords({ count: files.length, offset, length: directory.length });
  return Buffer.concat([directory, end]);
}

function storedEntry(name: string, size: number, crc: number): EntryFacts {
  return {
    ...MODIFIED,
    ...UNIX_FILE,
    rawName: Buffer.from(name),
    flags: 0,
    method: METHOD_STORE,
    crc32: crc,
    compressedSize: size,
    uncompressedSize: size,
    internalAttributes: 0,
    extra: Buffer.alloc(0),
    comment: Buffer.alloc(0),
  };
}

/** Fisher and Yates. */
function shuffleInPlace<T>(values: T[], random: SeededRandom): void {
  for (let last = values.length - 1; last > 0; last--) {
    const other = random.integer(last + 1);
    const [a, b] = [values[last], values[other]];
    if (a !== undefined && b !== undefined) [values[last], values[other]] = [b, a];
  }
}
