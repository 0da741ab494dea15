import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeCrcs, isUnread, readStretches, unreadRanges } from '../../src/archive/part-crcs.ts';
import type { PlannedPart, PlannedSource, StoredShard } from '../../src/archive/zip-shard-file.ts';

const OBJECT = { bucket: 'bucket', key: 'key', etag: '"1"', size: 1000 };

const [UNREAD, KNOWN, EMPTY, NO_FILE, LARGE] = [0, 1, 2, 3, 4] as const;

const COPY: PlannedPart = { kind: 'copy', number: 7, size: 500, source: LARGE, start: 100 };
const COPY_OF_KNOWN: PlannedPart = { ...COPY, number: 8, source: KNOWN };
const JOIN: PlannedPart = {
  kind: 'join',
  number: 9,
  size: 0,
  pieces: [
    { header: UNREAD, length: 35 },
    { source: UNREAD, start: 0, end: 1000 },
    { header: KNOWN, length: 35 },
    { source: KNOWN, start: 0, end: 1000 },
    { source: NO_FILE, start: 0, end: 10 },
    { bytes: Buffer.from('literal') },
    { source: LARGE, start: 0, end: 100 },
    { directory: true, length: 99 },
  ],
};

const SHARD: StoredShard = {
  parts: [COPY, COPY_OF_KNOWN, JOIN],
  sources: new Map([
    [UNREAD, source(undefined)],
    [KNOWN, source(0x1234)],
    [EMPTY, source(0)],
    [NO_FILE, OBJECT],
    [LARGE, source(undefined)],
  ]),
};

describe('what has to be read', () => {
  test('is a file whose CRC-32 its store does not say, and nothing else', () => {
    const indexes = [UNREAD, KNOWN, EMPTY, NO_FILE, LARGE, 5];
    expect(indexes.filter((index) => isUnread(SHARD, index))).toEqual([UNREAD, LARGE]);
  });

  test('of a part are the ranges of such files, in their order', () => {
    expect(unreadRanges(SHARD, COPY)).toEqual([{ source: LARGE, start: 100, end: 600 }]);
    expect(unreadRanges(SHARD, COPY_OF_KNOWN)).toEqual([]);
    expect(unreadRanges(SHARD, JOIN)).toEqual([
      { source: UNREAD, start: 0, end: 1000 },
      { source: LARGE, start: 0, end: 100 },
    ]);
  });
});

describe('what reading has told', () => {
  test('comes back, each CRC-32 with its stretch, in the order of the parts', () => {
    const crc = fc.oneof(fc.constantFrom(0, 0xffffffff), fc.integer({ min: 0, max: 0xffffffff }));
    fc.assert(
      fc.property(crc, crc, crc, (first, second, third) => {
        const recorded = { 9: encodeCrcs([second, third]), 7: encodeCrcs([first]) };
        const inHeartbeat = JSON.parse(JSON.stringify(recorded));
        expect([...readStretches(SHARD, inHeartbeat)]).toEqual([
          [LARGE, 100, 600, first],
          [UNREAD, 0, 1000, second],
          [LARGE, 0, 100, third],
        ]);
      }),
    );
  });

  test('is nothing of parts that have not been read yet', () => {
    expect([...readStretches(SHARD, {})]).toEqual([]);
    expect([...readStretches(SHARD, { 7: encodeCrcs([1]) })]).toEqual([[LARGE, 100, 600, 1]]);
  });

  test('of parts of another shard counts nothing here', () => {
    expect([...readStretches(SHARD, { 1: encodeCrcs([1]) })]).toEqual([]);
  });

  test('takes six characters a range at most, for heartbeats carry it', () => {
    expect(encodeCrcs(Array(4000).fill(0xffffffff)).length).toBeLessThan(4000 * 6);
  });
});

function source(crc32: number | undefined): PlannedSource {
  return { ...OBJECT, file: { name: 'a', size: 1000, crc32, modTime: 0, modDate: 33 } };
}
