import { createCipheriv } from 'node:crypto';
import { crc32, deflateRawSync, type ZlibOptions } from 'node:zlib';
import { Gunzip, type GunzipCheckpoint, type GunzipOptions } from '../../src/archive/gunzip.ts';

/** Bytes that nothing compresses, the same ones for the same seed. */
export function noise(length: number, seed = 0): Buffer {
  const key = Buffer.alloc(16, seed);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

/** Text of words that come again and again, the same for the same seed; deflates to a half or less. */
export function text(length: number, seed = 0): Buffer {
  const picks = noise(length, seed);
  const words =
    noise(2048, seed)
      .toString('base64')
      .match(/.{1,7}/g) ?? [];
  const chosen: string[] = [];
  let written = 0;
  for (let index = 0; written < length; index += 1) {
    // The product of two picks prefers some words to others, as languages do.
    const pick = ((picks[index] ?? 0) * (picks[length - 1 - index] ?? 0)) % words.length;
    const word = `${words[pick]}${index % 17 === 0 ? '\n' : ' '}`;
    chosen.push(word);
    written += word.length;
  }
  return Buffer.from(chosen.join('')).subarray(0, length);
}

/** A member's header fields beside the fixed ones; a flag is set where its field is given. */
export interface CraftedMember {
  readonly data: Buffer;
  readonly extra?: Buffer;
  readonly name?: string;
  readonly comment?: string;
  /** Added to the right CRC-16 of the header. */
  readonly headerCrcError?: number;
  readonly deflate?: ZlibOptions;
  /** In place of what `data` deflates to. */
  readonly deflated?: Buffer;
  readonly crc?: number;
  readonly size?: number;
}

/** A member laid out by RFC 1952 section 2.3. */
export function craftMember(member: CraftedMember): Buffer {
  const { data, extra, name, comment, headerCrcError } = member;
  const flags =
    (headerCrcError === undefined ? 0 : 2) |
    (extra === undefined ? 0 : 4) |
    (name === undefined ? 0 : 8) |
    (comment === undefined ? 0 : 16);
  const header: Buffer[] = [Buffer.from([0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 0, 3])];
  if (extra) header.push(uint16(extra.length), extra);
  if (name !== undefined) header.push(Buffer.from(`${name}\0`, 'latin1'));
  if (comment !== undefined) header.push(Buffer.from(`${comment}\0`, 'latin1'));
  if (headerCrcError !== undefined) {
    header.push(uint16((crc32(Buffer.concat(header)) + headerCrcError) & 0xffff));
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(member.crc ?? crc32(data), 0);
  trailer.writeUInt32LE((member.size ?? data.length) % 2 ** 32, 4);
  const deflated = member.deflated ?? deflateRawSync(data, member.deflate);
  return Buffer.concat([...header, deflated, trailer]);
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

/** The bytes in chunks of these lengths, again and again. */
export async function* cut(bytes: Buffer, ...lengths: number[]): AsyncGenerator<Buffer> {
  for (let start = 0, index = 0; start < bytes.length; index += 1) {
    const length = lengths[index % lengths.length] ?? bytes.length;
    yield bytes.subarray(start, start + length);
    start += length;
  }
}

/** What comes of a gzip stream: all output, what the iteration threw, and the checkpoints on the way. */
export interface Outcome {
  readonly output: Buffer;
  readonly error: Error | undefined;
  readonly checkpoints: readonly GunzipCheckpoint[];
  readonly gunzip: Gunzip;
}

export async function gunzip(
  input: AsyncIterable<Buffer>,
  options: GunzipOptions = {},
): Promise<Outcome> {
  const stream = new Gunzip(input, options);
  const output: Buffer[] = [];
  const checkpoints = new Set<GunzipCheckpoint>();
  const note = () => {
    const checkpoint = stream.checkpointBefore(Number.POSITIVE_INFINITY);
    if (checkpoint) checkpoints.add(checkpoint);
  };
  let error: Error | undefined;
  try {
    for await (const chunk of stream) {
      output.push(chunk);
      note();
    }
  } catch (thrown) {
    error = thrown as Error;
  }
  note();
  return { output: Buffer.concat(output), error, checkpoints: [...checkpoints], gunzip: stream };
}

/** What comes of the same stream from a checkpoint on, once that has been JSON. */
export function resume(
  stream: Buffer,
  checkpoint: GunzipCheckpoint,
  ...lengths: number[]
): Promise<Outcome> {
  const from = JSON.parse(JSON.stringify(checkpoint)) as GunzipCheckpoint;
  return gunzip(cut(stream.subarray(from.inputOffset), ...lengths), { from });
}

/** A bit string in a stream's order, the least significant bit of each byte first, as bytes. */
export function packBits(bits: string): Buffer {
  const bytes = bits.match(/.{1,8}/g) ?? [];
  return Buffer.from(bytes.map((byte) => Number.parseInt([...byte].reverse().join(''), 2)));
}

/** Bytes as a bit string, the least significant bit of each byte first. */
export function bitsOf(bytes: Buffer): string {
  return [...bytes]
    .map((byte) => [...byte.toString(2).padStart(8, '0')].reverse().join(''))
    .join('');
}
