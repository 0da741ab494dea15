import { describe, expect, test } from 'vitest';
import {
  type CraftedEntry,
  type CraftOptions,
  craftZip,
  craftZip64End,
  type EndFields,
} from '../support/zip-crafting.ts';
import { readWhole, refusal } from '../support/zip-fixtures.ts';

const DATA = Buffer.from('some bytes of a picture');
const A: CraftedEntry = { name: 'a.jpg', data: DATA };
const B: CraftedEntry = { name: 'b.jpg', data: DATA };
const C: CraftedEntry = { name: 'c.jpg', data: DATA };
const RECORD_LENGTH = 30 + 5 + DATA.length;
const HEADER_LENGTH = 46 + 5;

/** What it is, entries and end of the archive, and a part of the message that refuses it. */
type Case = [string, CraftedEntry[], CraftOptions, string];

test('the crafted archive is accepted where nothing is wrong with it', async () => {
  expect(await readWhole(craftZip([A, B, C]))).toHaveLength(3);
});

describe('what is not a whole ZIP archive', () => {
  test.each([
    ['nothing', Buffer.alloc(0), 'Not a ZIP archive: it has 0 bytes, the smallest has 22'],
    ['a few bytes', Buffer.from('PK'), 'Not a ZIP archive: it has 2 bytes'],
    [
      'a text',
      Buffer.from('subjectId,imageName\n'.repeat(10)),
      'Not a ZIP archive: it has neither',
    ],
    ['a long text', Buffer.alloc(2_000_000, 'text'), 'Not a ZIP archive: it has neither'],
    [
      'the first half of an archive',
      craftZip([A, B]).subarray(0, 100),
      'truncated: there is no end of central directory record in its last 100 bytes',
    ],
    [
      'the first half of a long archive',
      craftZip([{ name: 'a', data: Buffer.alloc(3_000_000) }, B]).subarray(0, 2_000_000),
      'truncated: there is no end of central directory record in its last 65557 bytes',
    ],
  ])('%s', async (_, bytes, message) => {
    expect(await refusal(bytes)).toContain(message);
  });

  test('an archive without its last byte, or two, up to the end record', async () => {
    const archive = craftZip([A, B]);
    for (let missing = 1; missing <= 18; missing += 1) {
      expect(await refusal(archive.subarray(0, -missing))).toMatch(/is cut off at the end/);
    }
    expect(await refusal(archive.subarray(0, -19))).toMatch(/truncated/);
  });
});

describe('end records', () => {
  const cases: Case[] = [
    ['trailing bytes', [A], { suffix: Buffer.from('tail') }, 'a comment of 0 bytes, but 4 follow'],
    [
      'a comment shorter than said',
      [A],
      { end: { comment: Buffer.alloc(3), commentLength: 9 } },
      'a comment of 9 bytes, but 3 follow',
    ],
    [
      'bytes before the first entry',
      [A],
      { prefix: Buffer.from('#!/bin/sh\n') },
      "10 bytes lie before the archive's first entry",
    ],
    [
      'bytes before an archive whose offsets do not know them',
      [A],
      { prefix: Buffer.from('junk'), end: { offset: RECORD_LENGTH } },
      `expected ${RECORD_LENGTH + HEADER_LENGTH}`,
    ],
    [
      'bytes between the central directory and the end record',
      [A],
      { beforeEnd: () => Buffer.from('junk') },
      'but the records behind it begin at',
    ],
    [
      'no entries, but bytes',
      [],
      { prefix: Buffer.from('smuggled') },
      'The archive has no entries, but 8 bytes before its end',
    ],
  ];
  test.each(cases)('%s', async (_, entries, options, message) => {
    expect(await refusal(craftZip(entries, options))).toContain(message);
  });

  test.each<[string, Partial<EndFields>, string]>([
    ['a disk number', { disk: 1 }, 'its disk number is 1, expected 0'],
    ['a directory on another disk', { directoryDisk: 2 }, "directory's disk number is 2"],
    ['fewer entries on this disk', { countOnDisk: 1 }, 'entries on this disk is 1, expected 2'],
    ['a count too low', { count: 1, countOnDisk: 1 }, '1 headers end at offset'],
    ['a count too high', { count: 3, countOnDisk: 3 }, '3 headers in 102 bytes'],
    ['an offset too low', { offset: 10 }, 'is said to have 102 bytes at offset 10'],
    ['an offset beyond the end', { offset: 0xfffffff0 }, 'at offset 4294967280'],
    ['a length too short', { length: HEADER_LENGTH }, 'is said to have 51 bytes'],
    ['a length of all', { length: 0xffffffff }, 'is said to have 4294967295 bytes'],
    ['all entries cut off', { count: 0, countOnDisk: 0, length: 0 }, 'said to have 0 bytes'],
  ])('%s', async (_, end, message) => {
    expect(await refusal(craftZip([A, B], { end }))).toContain(message);
  });

  test('a count too high that its length would allow', async () => {
    const long = { ...A, central: { comment: Buffer.alloc(500) } };
    expect(await refusal(craftZip([long], { end: { count: 2, countOnDisk: 2 } }))).toMatch(
      /header 2 of 2 at offset 609: 46 bytes at offset 609 are not in what was read/,
    );
  });

  test('a second end record in the comment of the first', async () => {
    const hidden = craftZip([B]);
    const comment = Buffer.concat([Buffer.from('see: '), hidden]);
    expect(await refusal(craftZip([A], { end: { comment } }))).toMatch(
      /There are 2 end of central directory records, at offsets 109, \d+$/,
    );
  });

  test('the signature of an end record in the comment', async () => {
    const comment = Buffer.concat([Buffer.from('PK\x05\x06'), Buffer.alloc(2)]);
    expect(await refusal(craftZip([A], { end: { comment } }))).toContain(
      'comment holds the signature of an end of central directory record, at offset 131',
    );
  });

  test('an archive that ends in a stored archive is read as itself', async () => {
    const inner = craftZip([B]);
    const entries = await readWhole(craftZip([A, { name: 'inner.zip', data: inner }]));
    expect(entries.map(({ name }) => name)).toEqual(['a.jpg', 'inner.zip']);
  });
});

describe('Zip64 end records', () => {
  test('are accepted with the 32-bit fields marked, or equal', async () => {
    const marked = { count: 0xffff, countOnDisk: 0xffff, offset: 0xffffffff, length: 0xffffffff };
    for (const end of [marked, {}]) {
      expect(await readWhole(craftZip([A], { beforeEnd: craftZip64End, end }))).toHaveLength(1);
    }
  });

  test.each<[string, Parameters<typeof craftZip64End>[1], string]>([
    ['another count', { count: 2 }, 'the number of entries on this disk is 1, expected 2'],
    ['another length', { length: 50 }, "the central directory's length is 51, expected 50"],
    ['another offset', { offset: 9 }, "the central directory's offset is 58, expected 9"],
    ['a locator that points elsewhere', { at: 0 }, 'the locator points to is 0, expected 109'],
    ['several disks', { disks: 2 }, 'the number of disks is 2, expected 1'],
    ['an offset beyond 2^53', { offset: 2 ** 60 }, '1152921504606846976 is beyond 2^53'],
  ])('%s', async (_, lies, message) => {
    const beforeEnd: CraftOptions['beforeEnd'] = (extent) => craftZip64End(extent, lies);
    expect(await refusal(craftZip([A], { beforeEnd }))).toContain(message);
  });

  test('a locator without its record', async () => {
    const beforeEnd: CraftOptions['beforeEnd'] = (extent) => craftZip64End(extent).subarray(56);
    expect(await refusal(craftZip([A], { beforeEnd }))).toContain(
      'no Zip64 end record right before its locator at offset 109',
    );
  });

  test('a record with bytes between it and its locator', async () => {
    const beforeEnd: CraftOptions['beforeEnd'] = (extent) => {
      const records = craftZip64End(extent);
      records.writeBigUInt64LE(52n, 4);
      return Buffer.concat([records.subarray(0, 56), Buffer.alloc(8), records.subarray(56)]);
    };
    expect(await refusal(craftZip([A], { beforeEnd }))).toContain(
      'no Zip64 end record right before',
    );
  });

  test('a marked field without a Zip64 record', async () => {
    expect(await refusal(craftZip([A], { end: { offset: 0xffffffff } }))).toContain(
      'at offset 4294967295',
    );
  });
});
