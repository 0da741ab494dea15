import type { SourceRange } from './layout.ts';
import type { PlannedPart, PlannedSource, StoredShard } from './zip-shard-file.ts';
import { rangesOf } from './zip-shards.ts';

/**
 * What reading the parts of a shard has told, by the number of the part: the CRC-32s of its unread ranges
 * in their order, as 32-bit numbers (little-endian) in base64. Short, because heartbeats carry it.
 */
export type PartCrcs = Record<number, string>;

const CRC_BYTES = 4;

/** The ranges of a part that belong to files whose CRC-32 only reading tells. */
export function unreadRanges(shard: StoredShard, part: PlannedPart): readonly SourceRange[] {
  return rangesOf(part).filter(({ source = 0 }) => isUnread(shard, source));
}

/** Whether only reading tells the CRC-32 of a source, and it is wanted. */
export function isUnread({ sources }: StoredShard, source: number): boolean {
  return hasUnknownCrc(sources.get(source));
}

/** Whether a source is a file of the archive whose CRC-32 S3 does not know. */
export function hasUnknownCrc(source: PlannedSource | undefined): boolean {
  return source?.file !== undefined && source.file.crc32 === undefined;
}

/** Writes down the CRC-32s of a part's unread ranges. */
export function encodeCrcs(values: readonly number[]): string {
  const bytes = Buffer.alloc(CRC_BYTES * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, CRC_BYTES * index);
  return bytes.toString('base64');
}

/** A stretch of a file that has been read: index of the file, first byte, byte behind the last, CRC-32. */
export type ReadStretch = readonly [file: number, start: number, end: number, crc32: number];

/** What has been written down of a shard's parts. */
export function* readStretches(shard: StoredShard, recorded: PartCrcs): Generator<ReadStretch> {
  for (const part of shard.parts) {
    const record = recorded[part.number];
    if (record === undefined) continue;
    const values = Buffer.from(record, 'base64');
    for (const [index, { source = 0, start, end }] of unreadRanges(shard, part).entries()) {
      yield [source, start, end, values.readUInt32LE(CRC_BYTES * index)];
    }
  }
}
