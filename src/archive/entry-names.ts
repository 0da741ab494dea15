import { isUtf8 } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { type ExtraField, getFileNameLowLevel } from 'yauzl';
import { ArchiveError } from './errors.ts';
import { pathFlaw } from './safe-path.ts';
import { FLAG_UTF8 } from './zip-entry.ts';

/** Info-ZIP's Unicode Path extra field, APPNOTE.TXT 4.6.9. */
const UNICODE_PATH_EXTRA_ID = 0x7075;

/** How much of a name an error message shows, in UTF-16 units: it travels in queue messages. */
const MAX_QUOTED_LENGTH = 200;

/** A name as an error message shows it: in quotes, control characters escaped, long ones cut. */
export function quoteName(name: string): string {
  return name.length > MAX_QUOTED_LENGTH
    ? `${JSON.stringify(name.slice(0, MAX_QUOTED_LENGTH))}…`
    : JSON.stringify(name);
}

/** The error of one entry: its name, then what is wrong with it. */
export function entryError(name: string, reason: string): ArchiveError {
  return new ArchiveError(`Entry ${quoteName(name)}: ${reason}`);
}

/**
 * Throws `ArchiveError` unless a name is a relative path with `/` between its segments that stays
 * below the folder that it is joined to, on every system. A leading `./` is allowed.
 */
export function assertSafeName(name: string): void {
  const flaw = pathFlaw(name);
  if (flaw !== undefined) throw entryError(name, flaw);
}

/**
 * The text of a ZIP entry's name: UTF-8 where bit 11 says so, else Info-ZIP's Unicode Path where its
 * checksum fits the name, else UTF-8 where the bytes are that (PHP and many more write it without
 * the bit), else code page 437 (APPNOTE.TXT appendix D).
 *
 * Throws `ArchiveError` where bit 11 is set on bytes that are not UTF-8, where bit 11 and a Unicode
 * Path name two different files, and where a Unicode Path covers an unsafe name: a reader that does
 * not know the field would take that one.
 */
export function decodeName(
  rawName: Buffer,
  flags: number,
  extraFields: readonly ExtraField[],
): string {
  const unicodePath = extraFields.length > 0 ? findUnicodePath(rawName, extraFields) : undefined;
  const plain = decodeBytes(rawName, (flags & FLAG_UTF8) !== 0);
  if (unicodePath === undefined || unicodePath === plain) return plain;
  if (flags & FLAG_UTF8) {
    throw entryError(plain, `its Unicode Path field names another file, ${quoteName(unicodePath)}`);
  }
  assertSafeName(plain);
  return unicodePath;
}

function decodeBytes(bytes: Buffer, mustBeUtf8: boolean): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  if (mustBeUtf8) {
    throw entryError(bytes.toString('utf8'), 'bit 11 says that the name is UTF-8, but it is not');
  }
  // Code page 437 draws control characters as symbols, which would hide them from assertSafeName.
  if (bytes.some((byte) => byte < 0x20 || byte === 0x7f)) {
    throw entryError(bytes.toString('latin1'), 'the name holds a control character');
  }
  return getFileNameLowLevel(0, bytes, [], true);
}

/** The Unicode Path, if there is one that still belongs to the name (version 1, checksum fits). */
function findUnicodePath(rawName: Buffer, fields: readonly ExtraField[]): string | undefined {
  for (const { id, data } of fields) {
    if (id !== UNICODE_PATH_EXTRA_ID || data.length < 6 || data[0] !== 1) continue;
    if (data.readUInt32LE(1) !== crc32(rawName)) continue;
    return decodeBytes(data.subarray(5), true);
  }
  return undefined;
}
