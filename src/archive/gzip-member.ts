import { crc32 } from 'node:zlib';
import { restartBytes } from './deflate-restart.ts';
import { ArchiveError } from './errors.ts';
import type { GunzipCheckpoint } from './gunzip-checkpoint.ts';
import type { MemberFacts } from './gzip-header.ts';
import type { GzipInput } from './gzip-input.ts';
import { RawInflater } from './raw-inflater.ts';

/** How far back a match of deflate reaches, in bytes (RFC 1951 section 3.2.5). */
const WINDOW_BYTES = 32 * 1024;

/** Inflates the data of a member, a piece at a time, and knows what it takes to go on elsewhere. */
export class GzipMember {
  readonly #input: GzipInput;
  readonly #inflater: RawInflater;
  readonly #outputStart: number;
  #crc32: number;
  #size: number;
  /** The member's newest output: its last `WINDOW_BYTES` or more, or all of it. */
  readonly #recent: Buffer[];
  #recentBytes: number;

  /**
   * `input` stands where the member's data begins, or else where `from` says; inflating begins with
   * `restart` then. `outputOffset` is the offset in the stream's output of the next byte.
   */
  constructor(input: GzipInput, outputOffset: number, from?: GunzipCheckpoint) {
    const dictionary = Buffer.from(from?.dictionary ?? '', 'base64');
    this.#input = input;
    this.#inflater = new RawInflater(dictionary);
    this.#crc32 = from?.member?.crc32 ?? 0;
    this.#size = from?.member?.size ?? 0;
    this.#outputStart = outputOffset - this.#size;
    this.#recent = [dictionary];
    this.#recentBytes = dictionary.length;
  }

  /** What has been inflated so far. */
  get facts(): MemberFacts {
    return { crc32: this.#crc32, size: this.#size };
  }

  /** Offset in the stream's output of the next byte. */
  get outputOffset(): number {
    return this.#outputStart + this.#size;
  }

  /** Whether the data is over; the input stands at the trailer then. */
  get hasEnded(): boolean {
    return this.#inflater.hasEnded;
  }

  /**
   * Inflates the next bytes of the input, up to `most` of those at hand, and gives all the output that
   * they hold. The input is at what comes next all the while: a piece may hold a thousand times its
   * size. Throws `ArchiveError` where the data is broken, and where the input ends.
   */
  async *inflate(most: number): AsyncGenerator<Buffer> {
    const piece = (await this.#input.some()).subarray(0, most);
    let { used } = this.#inflater;
    const keepUp = () => {
      this.#input.skip(this.#inflater.used - used);
      used = this.#inflater.used;
    };
    for await (const output of this.#outputOf(piece, piece.length)) {
      keepUp();
      yield output;
    }
    keepUp();
  }

  /** Inflates the first byte of a member that is taken up again, less the `bitOffset` bits done with. */
  async *restart(bitOffset: number): AsyncGenerator<Buffer> {
    const bytes = await this.#input.some();
    yield* this.#outputOf(restartBytes(bytes.readUInt8(), bitOffset), 1);
    this.#input.skip(1);
  }

  /** The checkpoint at a bit where all of the output before has been given and a block begins. */
  checkpointAt(inputOffset: number, bitOffset: number): GunzipCheckpoint {
    return {
      inputOffset,
      bitOffset,
      outputOffset: this.outputOffset,
      dictionary: Buffer.concat(this.#recent).subarray(-WINDOW_BYTES).toString('base64'),
      member: this.facts,
    };
  }

  /** Frees what zlib holds; inflating can't go on. */
  close(): void {
    this.#inflater.close();
  }

  /** `length` says how many bytes of the input `piece` stands for. */
  async *#outputOf(piece: Buffer, length: number): AsyncGenerator<Buffer> {
    const { offset } = this.#input;
    try {
      for await (const output of this.#inflater.inflate(piece)) {
        this.#note(output);
        yield output;
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'Z_DATA_ERROR') throw error;
      throw new ArchiveError(
        `The gzip stream is broken between offsets ${offset} and ${offset + length}: ${(error as Error).message}`,
      );
    }
  }

  #note(output: Buffer): void {
    this.#crc32 = crc32(output, this.#crc32);
    this.#size += output.length;
    this.#recent.push(output);
    this.#recentBytes += output.length;
    for (let [oldest] = this.#recent; oldest; [oldest] = this.#recent) {
      if (this.#recentBytes - oldest.length < WINDOW_BYTES) break;
      this.#recentBytes -= oldest.length;
      this.#recent.shift();
    }
  }
}
