import { isUtf8 } from 'node:buffer';
import { entryError, quoteName } from './entry-names.ts';
import { ArchiveError } from './errors.ts';
import { decodeTarName } from './tar-names.ts';

/** The records of a pax extended header that matter here, by keyword. */
export type PaxRecords = Readonly<Record<string, string>>;

/** What a file's records say in place of its header; undefined where they say nothing. */
export interface PaxFacts {
  readonly name: string | undefined;
  /** In bytes. */
  readonly size: number | undefined;
  /** Seconds since 1970, whole; negative before. */
  readonly mtime: number | undefined;
  readonly linkName: string | undefined;
  readonly isSparse: boolean;
}

/** Records of GNU tar, Solaris' tar and star that tell of a file that is stored without its holes. */
const SPARSE_KEYWORD = /^(GNU\.sparse\..*|SUN\.holesdata|SCHILY\.realsize)$/;

/**
 * Global records of GNU tar about a file that begins in another volume: its name, and how much is
 * here. Nothing else tells it, the file's own header is like any.
 */
const VOLUME_KEYWORD = /^GNU\.volume\.(filename|size|offset)$/;

/** What matters here: the rest is passed over. */
const KEYWORDS = [/^(path|linkpath|size|mtime)$/, SPARSE_KEYWORD, VOLUME_KEYWORD];

/** The name of a sparse file; its `path` is one that GNU tar made up. */
const SPARSE_NAME_KEYWORD = 'GNU.sparse.name';

/** Digits of a record's length: more than a body that is read can have. */
const MAX_LENGTH_DIGITS = 8;

const SPACE = 0x20;
const EQUALS = 0x3d;
const LINE_FEED = 0x0a;

/**
 * The records in the body of an extended header, which begins at `offset` of the TAR (POSIX.1-2017
 * pax, "pax Header Block"): each is its own length, a space, keyword, `=`, value and line feed. Of
 * two with one keyword the later counts; those that do not matter here are left out.
 *
 * Values are read like names of any TAR (see `decodeTarName`), whatever `hdrcharset` says: GNU tar
 * writes names that are not UTF-8 without saying so. Throws `ArchiveError` where a record has not
 * this form.
 */
export function readPaxRecords(body: Buffer, offset: number): PaxRecords {
  const records: Record<string, string> = {};
  for (let start = 0; start < body.length; ) {
    const { keyword, value, end } = readRecord(body, start, offset);
    if (KEYWORDS.some((known) => known.test(keyword))) records[keyword] = decodeTarName(value);
    start = end;
  }
  return records;
}

interface RawRecord {
  readonly keyword: string;
  readonly value: Buffer;
  /** Where the next record begins in the body. */
  readonly end: number;
}

function readRecord(body: Buffer, start: number, offset: number): RawRecord {
  const lengthEnd = start + body.subarray(start, start + MAX_LENGTH_DIGITS + 1).indexOf(SPACE);
  const digits = body.toString('latin1', start, Math.max(start, lengthEnd));
  if (!/^[0-9]+$/.test(digits)) throw badRecord(offset + start, 'has no length');
  const end = start + Number.parseInt(digits, 10);
  const record = body.subarray(lengthEnd + 1, end);
  if (end > body.length || record.at(-1) !== LINE_FEED) {
    throw badRecord(offset + start, `has no line feed at the end of its ${digits} bytes`);
  }
  const keyword = record.subarray(0, Math.max(0, record.indexOf(EQUALS)));
  if (keyword.length === 0) throw badRecord(offset + start, 'has no keyword');
  if (!isUtf8(keyword)) throw badRecord(offset + start, 'has a keyword that is not UTF-8');
  return { keyword: keyword.toString(), value: record.subarray(keyword.length + 1, -1), end };
}

function badRecord(offset: number, flaw: string): ArchiveError {
  return new ArchiveError(`The pax header record at offset ${offset} ${flaw}`);
}

/**
 * The global records in force after a global header with `records`. Only `mtime` makes sense for all
 * files. Throws `ArchiveError` for a path, link path, size or sparse file: GNU tar and Python would
 * give it to each file that follows, Go and libarchive to none. Throws it, too, for a TAR that begins
 * in another volume.
 */
export function mergeGlobals(globals: PaxRecords, records: PaxRecords, offset: number): PaxRecords {
  const refused = Object.keys(records).find((keyword) => keyword !== 'mtime');
  if (refused === undefined) return { ...globals, ...records };
  throw new ArchiveError(
    `The pax header at offset ${offset} ${
      VOLUME_KEYWORD.test(refused)
        ? 'goes on with a file of another volume'
        : `gives one ${refused} to all files that follow`
    }`,
  );
}

/**
 * What a file's own records and the global ones say of it. An empty `mtime` takes back a global one;
 * nothing else can be global, and without a name or size is no file. `headerName` is what the file is
 * called without the records. Throws `ArchiveError` where a number is none.
 */
export function paxFacts(globals: PaxRecords, own: PaxRecords, headerName: string): PaxFacts {
  const { path, linkpath, size, mtime } = { ...globals, ...own };
  const facts = {
    name: own[SPARSE_NAME_KEYWORD] ?? path,
    size: size === undefined ? undefined : readSize(size),
    mtime: mtime ? readTime(mtime) : undefined,
    linkName: linkpath,
    isSparse: Object.keys(own).some((keyword) => SPARSE_KEYWORD.test(keyword)),
  };
  const name = facts.name ?? headerName;
  if (Number.isNaN(facts.size)) throw badValue(name, `size ${quoteName(size as string)}`);
  if (Number.isNaN(facts.mtime)) throw badValue(name, `mtime ${quoteName(mtime as string)}`);
  return facts;
}

function badValue(name: string, found: string): ArchiveError {
  return entryError(name, `its pax header has the ${found}, expected a decimal number below 2^53`);
}

/** A size, or NaN. */
function readSize(value: string): number {
  const size = /^[0-9]+$/.test(value) ? Number.parseInt(value, 10) : Number.NaN;
  return Number.isSafeInteger(size) ? size : Number.NaN;
}

/** A time rounded down, or NaN. Read by its digits: a number would round a long fraction up. */
function readTime(value: string): number {
  const [, whole, fraction = ''] = /^(-?[0-9]+)(?:\.([0-9]*))?$/.exec(value) ?? [];
  if (whole === undefined) return Number.NaN;
  const isBelow = whole.startsWith('-') && /[1-9]/.test(fraction);
  const time = Number.parseInt(whole, 10) + (isBelow ? -1 : 0);
  return Number.isSafeInteger(time) ? time : Number.NaN;
}
