import { describe, expect, test } from 'vitest';
import { FLAG_DATA_DESCRIPTOR } from '../../src/archive/zip-entry.ts';
import {
  type CraftedEntry,
  type CraftOptions,
  craftDescriptor,
  craftEnd,
  craftZip,
} from '../support/zip-crafting.ts';
import { LIMITS, refusal } from '../support/zip-fixtures.ts';

const DATA = Buffer.from('some bytes of a picture');
const A: CraftedEntry = { name: 'a.jpg', data: DATA };
const B: CraftedEntry = { name: 'b.jpg', data: DATA };
const C: CraftedEntry = { name: 'c.jpg', data: DATA };
const RECORD_LENGTH = 30 + 5 + DATA.length;
const HEADER_LENGTH = 46 + 5;

/** What it is, entries and end of the archive, and a part of the message that refuses it. */
type Case = [string, CraftedEntry[], CraftOptions, string];

describe('records that do not lie side by side', () => {
  const at = (offset: number) => ({ central: { offset } });
  const cases: Case[] = [
    [
      'two entries at one offset',
      [A, { ...B, ...at(0) }],
      {},
      'Entry "a.jpg": its record at offset 0 takes 58 bytes or more, but overlaps entry "b.jpg" at offset 0',
    ],
    [
      'an offset inside the record before',
      [A, { ...B, ...at(20) }],
      {},
      'but overlaps entry "b.jpg" at offset 20',
    ],
    [
      'an offset behind the last record',
      [A, { ...B, ...at(500) }],
      {},
      'Entry "b.jpg": its record at offset 500 takes 58 bytes or more, but overlaps the central directory at offset 116',
    ],
    [
      'a size that reaches into the next record',
      [{ ...A, central: { compressedSize: 24, uncompressedSize: 24 } }, B],
      {},
      'takes 59 bytes or more, but overlaps entry "b.jpg" at offset 58',
    ],
    [
      'a size that reaches into the central directory',
      [{ ...A, central: { compressedSize: 0xfffffffe, uncompressedSize: 0xfffffffe } }],
      {},
      'but overlaps the central directory at offset 58',
    ],
    [
      'bytes between two entries',
      [A, { ...B, gap: Buffer.from('hidden') }, C],
      {},
      'Entry "b.jpg": 6 bytes are hidden between it and the next record',
    ],
    [
      'bytes between the last entry and the central directory',
      [A, B, { ...C, gap: Buffer.from('hidden') }],
      {},
      'Entry "c.jpg": 6 bytes are hidden',
    ],
    [
      'equal gaps behind every entry',
      [A, B, C].map((entry) => ({ ...entry, gap: Buffer.from('hidden') })),
      {},
      'Entry "a.jpg": 6 bytes are hidden',
    ],
    [
      'a gap longer than any extra field',
      [{ ...A, gap: Buffer.alloc(70_000) }, B],
      {},
      'Entry "a.jpg": 4465 bytes are hidden',
    ],
    [
      'equal gaps behind every data descriptor',
      [A, B, C].map((entry) => ({
        ...entry,
        flags: FLAG_DATA_DESCRIPTOR,
        descriptor: craftDescriptor(DATA, { signed: false, wide: false }),
        gap: Buffer.alloc(4),
      })),
      {},
      'Entry "a.jpg": its data descriptor is ',
    ],
    [
      'a gap behind a data descriptor',
      [
        {
          ...A,
          flags: FLAG_DATA_DESCRIPTOR,
          descriptor: craftDescriptor(DATA, { signed: true, wide: false }),
          gap: Buffer.alloc(1),
        },
      ],
      {},
      '17 bytes lie between its data and the next record, expected a data descriptor of 12, 16, 20, 24',
    ],
  ];
  test.each(cases)('%s', async (_, entries, options, message) => {
    expect(await refusal(craftZip(entries, options))).toContain(message);
  });

  test('an entry that the central directory leaves out', async () => {
    const whole = craftZip([A, B, C]);
    const directoryStart = 3 * RECORD_LENGTH;
    const directory = whole.subarray(directoryStart, directoryStart + 3 * HEADER_LENGTH);
    const archive = Buffer.concat([
      whole.subarray(0, directoryStart),
      directory.subarray(0, HEADER_LENGTH),
      directory.subarray(2 * HEADER_LENGTH),
      craftEnd({
        disk: 0,
        directoryDisk: 0,
        countOnDisk: 2,
        count: 2,
        length: 2 * HEADER_LENGTH,
        offset: directoryStart,
        comment: Buffer.alloc(0),
      }),
    ]);
    expect(await refusal(archive)).toContain('Entry "a.jpg": 58 bytes are hidden');
  });

  test('a bomb of entries that quote each other (as zbsm does) is refused by arithmetic', async () => {
    const kernel = { name: 'kernel', data: Buffer.alloc(4_000_000), method: 8 };
    const honest = craftZip([kernel]);
    const kernelLength = honest.length - 22 - 46 - 6;
    const quoting = Array.from({ length: 250 }, (_, index) => ({
      name: String(index).padStart(4, '0'),
      central: {
        method: 8,
        compressedSize: kernelLength + 34 * (249 - index),
        uncompressedSize: 2_000_000,
      },
      local: { method: 8 },
    }));
    const bomb = craftZip([...quoting, kernel]);
    expect(bomb.length).toBeLessThan(30_000);
    expect(await refusal(bomb, { ...LIMITS, maxRatio: 10_000 })).toMatch(
      /^Entry "0000": its record at offset 0 takes \d+ bytes or more, but overlaps entry "0001" at offset 34$/,
    );
  });
});
