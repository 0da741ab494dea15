import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { ArchiveError } from '../../src/archive/errors.ts';
import { type CraftedMember, craftMember, cut, gunzip, noise } from '../support/gzip-cases.ts';

const DATA = Buffer.from('some bytes of an archive');
const PLAIN = craftMember({ data: DATA });

/** A member with all that a header can have. */
const FULL: CraftedMember = {
  data: DATA,
  extra: Buffer.from('AB\x04\x00abcd'),
  name: 'export.tar',
  comment: 'a comment',
  headerCrcError: 0,
};

/** The message of the `ArchiveError` that a stream is refused with, cut in one piece and in many. */
async function refusal(stream: Buffer): Promise<string> {
  const { error } = await gunzip(cut(stream));
  expect(error).toBeInstanceOf(ArchiveError);
  expect((await gunzip(cut(stream, 1))).error).toEqual(error);
  return error?.message ?? '';
}

function changed(stream: Buffer, offset: number, byte: number): Buffer {
  const copy = Buffer.from(stream);
  copy.writeUInt8(byte, offset);
  return copy;
}

describe('a header', () => {
  test.each<[string, CraftedMember]>([
    ['an extra field', { data: DATA, extra: noise(65_535) }],
    ['an empty extra field', { data: DATA, extra: Buffer.alloc(0) }],
    ['a name', { data: DATA, name: 'ä.tar' }],
    ['a name of no length', { data: DATA, name: '' }],
    ['a long name', { data: DATA, name: 'x'.repeat(100_000) }],
    ['a comment', { data: DATA, comment: 'line\nline' }],
    ['a CRC', { data: DATA, headerCrcError: 0 }],
    ['all of them', FULL],
  ])('may have %s', async (_, member) => {
    const stream = craftMember(member);
    for (const length of [1, 7, stream.length]) {
      const { output, error } = await gunzip(cut(stream, length));
      expect(error).toBeUndefined();
      expect(output).toEqual(DATA);
    }
  });

  test.each<[string, Buffer, string]>([
    ['another signature', changed(PLAIN, 1, 0x8c), 'begins with 0x1f8c, not 0x1f8b'],
    ['another method', changed(PLAIN, 2, 7), 'has compression method 7, not 8'],
    ['a reserved flag', changed(PLAIN, 3, 0x20), 'has reserved flags: 0x20'],
    ['a wrong CRC', craftMember({ ...FULL, headerCrcError: 1 }), 'has CRC-16 '],
  ])('is refused with %s', async (_, stream, flaw) => {
    expect(await refusal(stream)).toContain(`The gzip header at offset 0 ${flaw}`);
  });

  test('is refused by its offset where another member is before it', async () => {
    const stream = Buffer.concat([PLAIN, changed(PLAIN, 2, 0)]);
    expect(await refusal(stream)).toBe(
      `The gzip header at offset ${PLAIN.length} has compression method 0, not 8`,
    );
  });
});

describe('a trailer', () => {
  const at = `The gzip trailer at offset ${PLAIN.length - 8}: `;

  test('is refused with a wrong CRC-32', async () => {
    const stream = craftMember({ data: DATA, crc: 0xab });
    expect(await refusal(stream)).toMatch(
      new RegExp(`^${at}the data's CRC-32 is [0-9a-f]{8}, it says 000000ab$`),
    );
  });

  test('is refused with a wrong size', async () => {
    const stream = craftMember({ data: DATA, size: 25 });
    expect(await refusal(stream)).toBe(
      `${at}the data's size is 24 bytes, it says 25 (modulo 2^32)`,
    );
  });
});

describe('behind the last member', () => {
  test.each([1, 2, 511, 100_000])('%i zero bytes are padding', async (length) => {
    const {
      output,
      error,
      gunzip: stream,
    } = await gunzip(cut(Buffer.concat([PLAIN, Buffer.alloc(length)]), 1000));
    expect(error).toBeUndefined();
    expect(output).toEqual(DATA);
    expect(stream.inputOffset).toBe(PLAIN.length + length);
  });

  test.each<[string, Buffer, number]>([
    ['other bytes', Buffer.from('garbage'), 0],
    ['other bytes behind zero bytes', Buffer.concat([Buffer.alloc(70_000), DATA]), 70_000],
    ['a member behind zero bytes', Buffer.concat([Buffer.alloc(3), PLAIN]), 3],
    ['one other byte', Buffer.from([1]), 0],
    ['half a signature and another byte', Buffer.from([0x1f, 0x8c]), 0],
  ])('%s are refused by their offset', async (_, garbage, offset) => {
    expect(await refusal(Buffer.concat([PLAIN, garbage]))).toBe(
      `The gzip stream is followed by something else at offset ${PLAIN.length + offset}`,
    );
  });
});

test('a stream that is cut off anywhere says so, after how many bytes', async () => {
  const first = craftMember(FULL);
  const stream = Buffer.concat([first, gzipSync(noise(300)), PLAIN]);
  const members = [first.length, stream.length - PLAIN.length];
  for (let length = 0; length < stream.length; length += 1) {
    const { error } = await gunzip(cut(stream.subarray(0, length), 50));
    if (members.includes(length)) expect(error).toBeUndefined();
    else expect(error?.message).toBe(`The gzip stream is truncated: it ends after ${length} bytes`);
  }
});
