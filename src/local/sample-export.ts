import { padJpeg } from './mosaic-jpeg.ts';
import { inChunks, type SampleFile } from './sample-files.ts';
import { sampleImageName, sampleManifest, uuid } from './sample-manifest.ts';
import { samplePicture } from './sample-picture.ts';
import { gzipChunks, tarPieces } from './sample-tar.ts';
import { zipPieces } from './sample-zip.ts';
import { type SeededRandom, seededRandom } from './seeded-random.ts';

/** What a sample can be; each is the end of its file name too. */
export const SAMPLE_FORMATS = ['zip', 'tar', 'tar.gz'] as const;

export type SampleFormat = (typeof SAMPLE_FORMATS)[number];

export interface SampleOptions {
  /** Rows of the manifest, and images. 1 or more. */
  readonly rows: number;
  /** Bytes of one image; a picture takes 3 to 4 KB, and stays at that where this is less. */
  readonly imageBytes: number;
  /** 32-bit integer: the same seed and options give the same bytes. */
  readonly seed: number;
  /** A ZIP of stored files by default. */
  readonly format?: SampleFormat;
  /** The archive's bare name; `512-2-<uuid>.<format>` by default, as the client names it. */
  readonly fileName?: string;
  /** Puts the images into the archive in another order than the manifest's rows have. */
  readonly shuffle?: boolean;
  /** Images that gzip makes two to three times smaller, as it does uncompressed scans; else it can't. */
  readonly compressible?: boolean;
}

/** An export as the client makes it: an archive of JPEGs, and `manifest.csv` behind them. */
export interface SampleExport {
  readonly fileName: string;
  readonly manifest: Buffer;
  /** The images' names in the order of the manifest's rows. */
  readonly imageNames: readonly string[];
  /** An image's bytes by its name; throws where there is no such image. */
  image(name: string): Buffer;
  /** The archive from its start, in chunks of about 1 MiB, made as they are read. */
  chunks(): AsyncGenerator<Buffer>;
}

/** Streams of random values: image `n` has stream `n`, from 0, and the rest are counted from the end. */
const NAME_STREAM = 0xffffffff;
const MANIFEST_STREAM = 0xfffffffe;
const ORDER_STREAM = 0xfffffffd;

/** The grey levels of a scan that compresses: noise of 3 bits on light paper. */
const PAPER_LEVEL = 0xb0;
const NOISE_MASK = 0x07;

/** Plans a sample export. Its images are decodable, and each is different. */
export function sampleExport(options: SampleOptions): SampleExport {
  const { rows, seed, format = 'zip', shuffle = false } = options;
  const names = seededRandom(seed, NAME_STREAM);
  const fileName = options.fileName ?? `512-2-${uuid(names)}.${format}`;
  const imageNames = Array.from({ length: rows }, () => sampleImageName(names));
  const manifest = sampleManifest(imageNames, seededRandom(seed, MANIFEST_STREAM));
  const images = imageNames.map((name, index) => ({
    name,
    content: () => sampleImage(index, options),
  }));
  if (shuffle) shuffleInPlace(images, seededRandom(seed, ORDER_STREAM));
  const files = [...images, { name: 'manifest.csv', content: () => manifest }];
  return {
    fileName,
    manifest,
    imageNames,
    image: (name) => contentOf(images, name),
    chunks: () => archiveChunks(files, format),
  };
}

function sampleImage(index: number, options: SampleOptions): Buffer {
  const random = seededRandom(options.seed, index);
  const picture = samplePicture(index + 1, random);
  const fill = options.compressible ? (length: number) => scan(random.bytes(length)) : random.bytes;
  return padJpeg(picture, options.imageBytes, fill);
}

/** Makes random bytes those of an uncompressed scan, in place. */
function scan(bytes: Buffer): Buffer {
  for (let index = 0; index < bytes.length; index++) {
    bytes[index] = PAPER_LEVEL | ((bytes[index] ?? 0) & NOISE_MASK);
  }
  return bytes;
}

function contentOf(images: readonly SampleFile[], name: string): Buffer {
  const image = images.find((candidate) => candidate.name === name);
  if (!image) throw new Error(`The sample has no image ${name}`);
  return image.content();
}

function archiveChunks(files: readonly SampleFile[], format: SampleFormat): AsyncGenerator<Buffer> {
  const chunks = inChunks(format === 'zip' ? zipPieces(files) : tarPieces(files));
  return format === 'tar.gz' ? gzipChunks(chunks) : chunks;
}

/** Fisher and Yates. */
function shuffleInPlace<T>(values: T[], random: SeededRandom): void {
  for (let last = values.length - 1; last > 0; last--) {
    const other = random.integer(last + 1);
    const [a, b] = [values[last], values[other]];
    if (a !== undefined && b !== undefined) [values[last], values[other]] = [b, a];
  }
}
