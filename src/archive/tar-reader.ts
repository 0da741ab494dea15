import { ByteSource } from './byte-source.ts';
import { entryError, quoteName } from './entry-names.ts';
import { ArchiveError } from './errors.ts';
import { assertTarEnd } from './tar-end.ts';
import { resolveEntry, type TarEntry } from './tar-entry.ts';
import { assertNoneAwaited, type ExtendedFacts, extendFacts, isExtended } from './tar-extended.ts';
import {
  BLOCK_BYTES,
  hasTarChecksum,
  isZero,
  readTarHeader,
  type TarHeader,
} from './tar-header.ts';

/** A regular file of a TAR. Offsets in bytes from the start of the TAR. */
export interface TarFile {
  /** Safe to join to a folder. Bytes that are not UTF-8 are lone surrogates (see `decodeTarName`). */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** Seconds since 1970, whole; negative before. */
  readonly mtime: number;
  /** Offset of its data's first byte. */
  readonly dataStart: number;
}

/** Where reading can be taken up again: at a header. Plain JSON. */
export interface TarCheckpoint {
  /** Offset of the header in bytes from the start of the TAR. */
  readonly offset: number;
  /** The records of pax global headers that are in force there. */
  readonly globals: Readonly<Record<string, string>>;
}

const START: TarCheckpoint = { offset: 0, globals: {} };

/** The entry that was read last: its data and padding are what comes next, unless they were read. */
interface OpenEntry extends TarEntry {
  readonly dataStart: number;
}

/**
 * Reads the regular files of a TAR from a stream: v7, ustar, pax and GNU (POSIX.1-2017 pax, "ustar
 * Interchange Format" and "pax Interchange Format"; GNU tar's manual, "Standard"). Directories are
 * passed over. Memory is constant beside the chunks: what an extended header takes, some MiB at most.
 *
 * All methods reject with `ArchiveError` where the TAR breaks a rule, is truncated, or has an entry
 * that is neither file nor directory or has an unsafe name; and with what the chunks' iterator throws.
 */
export class TarReader {
  readonly #source: ByteSource;
  readonly #start: number;
  #globals: Readonly<Record<string, string>>;
  #entry: OpenEntry | undefined;
  /** Offset behind that entry's data and padding. */
  #nextHeader: number;
  #ended = false;

  /** `chunks` are the TAR's bytes from `from.offset` (else from its start), cut anywhere. */
  constructor(chunks: AsyncIterable<Buffer>, from: TarCheckpoint = START) {
    this.#source = new ByteSource(chunks);
    this.#start = from.offset;
    this.#globals = from.globals;
    this.#nextHeader = from.offset;
  }

  /**
   * The next regular file; undefined at the archive's end, which is checked to the last byte. What is
   * left of the file before is passed over.
   */
  async next(): Promise<TarFile | undefined> {
    while (!this.#ended) {
      if (this.#entry !== undefined) await this.#passOver(this.#entry);
      const entry = await this.#readEntry();
      if (entry === undefined) {
        await assertTarEnd(this.#source, this.#position);
        this.#ended = true;
      } else {
        const { name, size, mtime, isFile } = entry;
        const dataStart = this.#position;
        this.#entry = { ...entry, dataStart };
        this.#nextHeader = dataStart + paddedLength(size);
        if (isFile) return { name, size, mtime, dataStart };
      }
    }
    return undefined;
  }

  /**
   * The data of the file that `next` gave last, in pieces that are views of the chunks, to its last
   * byte; a second call goes on where the first was left. Ends early once `next` has been called.
   */
  async *data(): AsyncGenerator<Buffer> {
    const entry = this.#entry;
    if (entry === undefined) return;
    const end = entry.dataStart + entry.size;
    while (this.#position < end) yield await this.#piece(entry, end);
  }

  /**
   * Where the next header begins: behind the file that `next` gave last and its padding. Whether that
   * file's data has been read makes no difference, so ask once it has been dealt with.
   */
  checkpoint(): TarCheckpoint {
    return { offset: this.#nextHeader, globals: this.#globals };
  }

  /** Tells where the chunks come from that no more are wanted. */
  async close(): Promise<void> {
    await this.#source.close();
  }

  /** Offset of the next byte that is read. */
  get #position(): number {
    return this.#start + this.#source.taken;
  }

  /**
   * Reads what is left of an entry. The padding behind its data means nothing, and old programs leave
   * in it what was in their memory: any bytes will do.
   */
  async #passOver(entry: OpenEntry): Promise<void> {
    while (this.#position < this.#nextHeader) await this.#piece(entry, this.#nextHeader);
  }

  /** The next bytes of an entry's data or padding, up to `end` at most. */
  async #piece({ name, dataStart, size }: OpenEntry, end: number): Promise<Buffer> {
    const piece = await this.#source.pieceUnlessEnded(end - this.#position);
    if (piece !== undefined) return piece;
    const read = this.#position - dataStart;
    throw entryError(
      name,
      `the TAR is truncated, it ends at offset ${this.#position} ` +
        `${read < size ? `after ${read} of the entry's ${size} bytes` : 'in the padding behind its data'}`,
    );
  }

  /** The entry whose headers begin here; undefined at the archive's end. */
  async #readEntry(): Promise<TarEntry | undefined> {
    let facts: ExtendedFacts = { globals: this.#globals };
    for (;;) {
      const header = await this.#readHeader();
      if (header === undefined) break;
      if (!isExtended(header)) return resolveEntry(header, facts);
      facts = extendFacts(facts, header, await this.#readBody(header.size));
      this.#globals = facts.globals;
    }
    assertNoneAwaited(facts, this.#position - BLOCK_BYTES);
    return undefined;
  }

  /** The header that begins here; undefined where a block of zeros marks the archive's end. */
  async #readHeader(): Promise<TarHeader | undefined> {
    const offset = this.#position;
    const block = await this.#source.takeUpTo(BLOCK_BYTES);
    if (block.length === 0) throw this.#cut('without the zeros that mark its end');
    if (block.length < BLOCK_BYTES) throw this.#cut('in a header');
    if (isZero(block)) return undefined;
    if (hasTarChecksum(block)) return readTarHeader(block, offset);
    throw new ArchiveError(
      `${offset === this.#start ? 'Not a TAR' : 'The TAR is broken'}: there is no header at offset ` +
        `${offset}${this.#behind()}, or its checksum does not fit`,
    );
  }

  async #readBody(size: number): Promise<Buffer> {
    const length = paddedLength(size);
    const body = await this.#source.takeUpTo(length);
    if (body.length < length) throw this.#cut('in an extended header');
    return body.subarray(0, size);
  }

  #cut(where: string): ArchiveError {
    return new ArchiveError(
      `The TAR is truncated: it ends at offset ${this.#position} ${where}${this.#behind()}`,
    );
  }

  #behind(): string {
    return this.#entry === undefined ? '' : `, behind entry ${quoteName(this.#entry.name)}`;
  }
}

/** What `size` bytes take up: whole blocks. */
function paddedLength(size: number): number {
  return Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
}
