import { constants, gunzipSync, gzipSync } from 'node:zlib';
import { storedEntry } from './stored-entry.ts';
import type { ZipEntry } from './zip-entry.ts';

/** Version of the stored form; a worker that meets another one must not guess. */
const FORMAT = 1;

/** An unpacked file as it is written down: what `ZipEntry` has, without what is the same for all. */
type EntryJson = readonly [
  name: string,
  recordName: string | 0,
  size: number,
  crc32: number,
  modTime: number,
  modDate: number,
  recordStart: number,
  dataStart: number,
];

interface StretchJson<Resume> {
  readonly format: number;
  readonly entries: readonly EntryJson[];
  readonly resume: Resume;
}

/** A stretch of the index of an unpacked archive: its entries, and where to go on behind them. */
export interface IndexStretch<Resume> {
  readonly entries: readonly ZipEntry[];
  readonly resume: Resume;
}

/** Writes a stretch down: gzipped JSON. `resume` is plain JSON. */
export function encodeStretch<Resume>({ entries, resume }: IndexStretch<Resume>): Buffer {
  const json: StretchJson<Resume> = {
    format: FORMAT,
    entries: entries.map((entry) => [
      entry.name,
      entry.recordName ?? 0,
      entry.uncompressedSize,
      entry.crc32,
      entry.modTime,
      entry.modDate,
      entry.recordStart,
      entry.dataStart,
    ]),
    resume,
  };
  return gzipSync(JSON.stringify(json), { level: constants.Z_BEST_SPEED });
}

/** Reads what {@link encodeStretch} wrote. Throws on any other format. */
export function decodeStretch<Resume>(bytes: Buffer): IndexStretch<Resume> {
  const json: StretchJson<Resume> = JSON.parse(gunzipSync(bytes).toString('utf8'));
  if (json.format !== FORMAT) {
    throw new Error(`Expected an index of format ${FORMAT}, got ${json.format}`);
  }
  return { entries: json.entries.map(entryFromJson), resume: json.resume };
}

function entryFromJson(json: EntryJson): ZipEntry {
  const [name, recordName, size, crc32, modTime, modDate, recordStart, dataStart] = json;
  const placed = { recordName: recordName || undefined, recordStart, dataStart };
  return unpackedEntry({ name, size, crc32, modTime, modDate, ...placed });
}

/** What is known of a file of a TAR once it was read. Sizes and offsets in bytes. */
export interface UnpackedFile {
  readonly name: string;
  readonly size: number;
  readonly crc32: number;
  /** MS-DOS words. */
  readonly modTime: number;
  readonly modDate: number;
  /** The name in its record; undefined where its data stands alone. */
  readonly recordName: string | undefined;
  readonly recordStart: number;
  readonly dataStart: number;
}

/** The entry that an unpacked file is from now on. */
export function unpackedEntry(file: UnpackedFile): ZipEntry {
  const { name, recordName, recordStart, dataStart, size } = file;
  return {
    ...storedEntry(recordName ?? name, file),
    name,
    recordName,
    verified: true,
    recordStart,
    dataStart,
    recordEnd: dataStart + size,
  };
}
