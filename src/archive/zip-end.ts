import { ArchiveError } from './errors.ts';
import { readUInt64 } from './zip-extra.ts';
import {
  CENTRAL_HEADER_LENGTH,
  type CentralDirectoryExtent,
  END_LENGTH,
  END_SIGNATURE,
  ZIP64_END_LENGTH,
  ZIP64_END_SIGNATURE,
  ZIP64_LOCATOR_LENGTH,
  ZIP64_LOCATOR_SIGNATURE,
  ZIP64_MARK_16,
  ZIP64_MARK_32,
} from './zip-records.ts';

/** The longest archive comment, a 16-bit length (APPNOTE.TXT 4.4.12), and its record. In bytes. */
export const MAX_END_LENGTH = END_LENGTH + 0xffff;

const SIGNATURE_BYTES = Buffer.alloc(4);
SIGNATURE_BYTES.writeUInt32LE(END_SIGNATURE);

/**
 * Where an archive's central directory lies and how many headers it has, by the records that end the
 * archive (APPNOTE.TXT 4.3.14 to 4.3.16). `tail` is the archive's last bytes, `MAX_END_LENGTH` and the
 * Zip64 records at least or all there are; `size` is the archive's.
 *
 * Throws `ArchiveError` unless there is exactly one end record that reaches exactly the end of the
 * archive, the Zip64 records lie right before it and say the same, and the directory ends exactly
 * where these records begin. Returns `undefined` where there is no end record at all.
 */
export function readEndRecords(tail: Buffer, size: number): CentralDirectoryExtent | undefined {
  const position = findEndRecord(tail, size);
  if (position === undefined) return undefined;
  const tailStart = size - tail.length;
  const end = tail.subarray(position, position + END_LENGTH);
  const zip64 = readZip64Records(tail.subarray(0, position), tailStart);
  const directory = zip64 ?? {
    count: end.readUInt16LE(10),
    length: end.readUInt32LE(12),
    offset: end.readUInt32LE(16),
  };
  const isMark = (value: number, mark: number) => zip64 !== undefined && value === mark;
  for (const [what, actual, expected, mark] of [
    ['its disk number', end.readUInt16LE(4), 0, ZIP64_MARK_16],
    ["the central directory's disk number", end.readUInt16LE(6), 0, ZIP64_MARK_16],
    ['the number of entries on this disk', end.readUInt16LE(8), directory.count, ZIP64_MARK_16],
    ['the number of entries', end.readUInt16LE(10), directory.count, ZIP64_MARK_16],
    ["the central directory's length", end.readUInt32LE(12), directory.length, ZIP64_MARK_32],
    ["the central directory's offset", end.readUInt32LE(16), directory.offset, ZIP64_MARK_32],
  ] as const) {
    if (actual !== expected && !isMark(actual, mark)) {
      throw new ArchiveError(
        `End of central directory record at offset ${tailStart + position}: ${what} is ${actual}, expected ${expected}`,
      );
    }
  }
  const recordsStart = tailStart + position - (zip64 ? ZIP64_END_LENGTH + ZIP64_LOCATOR_LENGTH : 0);
  assertDirectoryFits(directory, recordsStart);
  return directory;
}

function assertDirectoryFits(
  { count, offset, length }: CentralDirectoryExtent,
  recordsStart: number,
): void {
  if (offset + length !== recordsStart) {
    throw new ArchiveError(
      `The central directory is said to have ${length} bytes at offset ${offset}, ` +
        `but the records behind it begin at ${recordsStart}: expected ${offset + length}`,
    );
  }
  if (count * CENTRAL_HEADER_LENGTH > length) {
    throw new ArchiveError(
      `The central directory is said to have ${count} headers in ${length} bytes: a header has ${CENTRAL_HEADER_LENGTH} or more`,
    );
  }
}

/**
 * The position in `tail` of the one end record. Readers search for it from the end or from the front,
 * and stop at different places if there is more than one signature to stop at.
 */
function findEndRecord(tail: Buffer, size: number): number | undefined {
  const found: number[] = [];
  const first = Math.max(0, tail.length - MAX_END_LENGTH);
  for (let at = tail.indexOf(SIGNATURE_BYTES, first); at >= 0; ) {
    found.push(at);
    at = tail.indexOf(SIGNATURE_BYTES, at + 1);
  }
  const last = found.at(-1);
  if (last === undefined) return undefined;
  const offsetOf = (position: number) => size - tail.length + position;
  const whole = found.filter((position) => position + END_LENGTH <= tail.length);
  const reaching = whole.filter(
    (position) => position + END_LENGTH + tail.readUInt16LE(position + 20) === tail.length,
  );
  const [position] = reaching;
  if (position === undefined) {
    const nearest = whole.at(-1);
    throw new ArchiveError(
      nearest === undefined
        ? `The ZIP archive is truncated: the end of central directory record at offset ${offsetOf(last)} is cut off at the end of the archive, ${size}`
        : `The end of central directory record at offset ${offsetOf(nearest)} has a comment of ` +
            `${tail.readUInt16LE(nearest + 20)} bytes, but ${tail.length - nearest - END_LENGTH} follow it`,
    );
  }
  if (reaching.length > 1) {
    throw new ArchiveError(
      `There are ${reaching.length} end of central directory records, at offsets ${reaching.slice(0, 10).map(offsetOf).join(', ')}`,
    );
  }
  if (last >= position + END_LENGTH) {
    throw new ArchiveError(
      `The archive's comment holds the signature of an end of central directory record, at offset ${offsetOf(last)}`,
    );
  }
  return position;
}

/**
 * The Zip64 end record, if the bytes before the end record close with a locator of one. Its version 2
 * (4.3.14.2) and extensible data are for encrypted directories and refused by its length.
 */
function readZip64Records(before: Buffer, start: number): CentralDirectoryExtent | undefined {
  const locatorAt = before.length - ZIP64_LOCATOR_LENGTH;
  if (locatorAt < 0 || before.readUInt32LE(locatorAt) !== ZIP64_LOCATOR_SIGNATURE) return undefined;
  const recordAt = locatorAt - ZIP64_END_LENGTH;
  if (recordAt < 0 || before.readUInt32LE(recordAt) !== ZIP64_END_SIGNATURE) {
    throw new ArchiveError(
      `There is no Zip64 end record right before its locator at offset ${start + locatorAt}`,
    );
  }
  const record = before.subarray(recordAt, locatorAt);
  const locator = before.subarray(locatorAt);
  try {
    const directory = {
      count: readUInt64(record, 32),
      length: readUInt64(record, 40),
      offset: readUInt64(record, 48),
    };
    for (const [what, actual, expected] of [
      ['the locator points to', readUInt64(locator, 8), start + recordAt],
      ["the locator's disk number", locator.readUInt32LE(4), 0],
      ['the number of disks', locator.readUInt32LE(16), 1],
      ['its remaining length', readUInt64(record, 4), ZIP64_END_LENGTH - 12],
      ['its disk number', record.readUInt32LE(16), 0],
      ["the central directory's disk number", record.readUInt32LE(20), 0],
      ['the number of entries on this disk', readUInt64(record, 24), directory.count],
    ] as const) {
      if (actual !== expected) throw new Error(`${what} is ${actual}, expected ${expected}`);
    }
    return directory;
  } catch (error) {
    throw new ArchiveError(
      `Zip64 end record at offset ${start + recordAt}: ${(error as Error).message}`,
      { cause: error },
    );
  }
}
