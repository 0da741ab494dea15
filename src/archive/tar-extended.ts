import { ArchiveError } from './errors.ts';
import { BLOCK_BYTES, type TarHeader } from './tar-header.ts';
import { decodeTerminated } from './tar-names.ts';
import { mergeGlobals, type PaxRecords, readPaxRecords } from './tar-pax.ts';

/** What extended headers say of the entry behind them. */
export interface ExtendedFacts {
  /** The records of pax global headers, which are in force for all entries behind them. */
  readonly globals: PaxRecords;
  readonly pax?: PaxRecords;
  /** GNU's long name and long link name. */
  readonly longName?: string;
  readonly longLink?: string;
}

const PAX = 'x';
/** Solaris' own, from before pax but in its form; GNU tar, libarchive and Python read it as that. */
const PAX_SOLARIS = 'X';
const PAX_GLOBAL = 'g';
const GNU_LONG_NAME = 'L';
const GNU_LONG_LINK = 'K';
const EXTENDED_TYPES = [PAX, PAX_SOLARIS, PAX_GLOBAL, GNU_LONG_NAME, GNU_LONG_LINK];

/**
 * How large an extended header's body may be, in bytes: it is held in memory. The longest path of
 * Linux has 4 KiB; the rest is for attributes that do not matter here but stand beside it.
 */
const MAX_BODY_BYTES = 1024 * 1024;

/**
 * Whether a header tells of the entry behind it, or of all that follow, in a body. Throws
 * `ArchiveError` where that is too large.
 */
export function isExtended({ type, size, offset }: TarHeader): boolean {
  if (!EXTENDED_TYPES.includes(type)) return false;
  if (size > MAX_BODY_BYTES) {
    throw new ArchiveError(
      `The extended header at offset ${offset} has ${size} bytes, the limit is ${MAX_BODY_BYTES}`,
    );
  }
  return true;
}

/**
 * What is known of the next entry after one more extended header. Of two of one type the later takes
 * the place of the other, with all its records, as GNU tar has it; but global records stay in force
 * until others with their keywords come (POSIX.1-2017 pax, "pax Header Block").
 *
 * Throws `ArchiveError` where the body is not of the form that it should have.
 */
export function extendFacts(facts: ExtendedFacts, header: TarHeader, body: Buffer): ExtendedFacts {
  const bodyStart = header.offset + BLOCK_BYTES;
  switch (header.type) {
    case PAX_GLOBAL: {
      const records = readPaxRecords(body, bodyStart);
      return { ...facts, globals: mergeGlobals(facts.globals, records, header.offset) };
    }
    case GNU_LONG_NAME:
      return { ...facts, longName: decodeTerminated(body) };
    case GNU_LONG_LINK:
      return { ...facts, longLink: decodeTerminated(body) };
    default:
      return { ...facts, pax: readPaxRecords(body, bodyStart) };
  }
}

/** Throws `ArchiveError` where extended headers tell of an entry, but the TAR ends at `offset`. */
export function assertNoneAwaited(
  { pax, longName, longLink }: ExtendedFacts,
  offset: number,
): void {
  if (pax === undefined && longName === undefined && longLink === undefined) return;
  throw new ArchiveError(
    `The TAR ends at offset ${offset} behind an extended header, without the entry that it tells of`,
  );
}
