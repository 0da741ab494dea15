import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { decode, encode } from '../../src/archive/json-file.ts';
import { decodeShard, encodeShard, type StoredShard } from '../../src/archive/zip-shard-file.ts';

const SHARD: StoredShard = {
  parts: [
    {
      kind: 'join',
      number: 3,
      size: 8_000_000,
      pieces: [
        { bytes: Buffer.from([0, 0xff, 0x80, 10]) },
        { bytes: Buffer.alloc(0) },
        { header: 70_000, length: 58 },
        { source: 70_000, start: 0, end: 5_000_000_000 },
        { start: 1, end: 2 },
        { directory: true, length: 1_000_000 },
      ],
    },
    { kind: 'copy', number: 4, size: 6_000_000, source: 70_000, start: 5_000_000_000 },
    { kind: 'copy', number: 5, size: 6_000_000, start: 0 },
  ],
  sources: new Map([
    [
      70_000,
      {
        bucket: 'bucket',
        key: 'Bücher/ä 中+#?.bin',
        etag: '"0123-4"',
        size: 2 ** 43,
        file: { name: 'ä 中.bin', size: 2 ** 43, crc32: 0xffffffff, modTime: 65_535, modDate: 33 },
      },
    ],
    [3, { bucket: 'b', key: 'deflated-1.zip', etag: '"1"', size: 0 }],
  ]),
};

describe('a shard', () => {
  test('comes back as it was written down', () => {
    const decoded = decodeShard(encodeShard(SHARD));
    expect(decoded.parts).toEqual(SHARD.parts);
    expect(decoded.sources).toEqual(SHARD.sources);
  });

  test('of nothing comes back', () => {
    const decoded = decodeShard(encodeShard({ parts: [], sources: new Map() }));
    expect(decoded).toMatchObject({ parts: [], sources: new Map() });
  });

  test('says of a file without a CRC-32 that it has none', () => {
    const file = { name: 'a', size: 1, crc32: undefined, modTime: 0, modDate: 33 };
    const sources = new Map([[0, { bucket: 'b', key: 'k', etag: 'e', size: 1, file }]]);
    const decoded = decodeShard(encodeShard({ parts: [], sources }));
    expect(decoded.sources.get(0)?.file?.crc32).toBeUndefined();
  });

  test.each([2, '1', undefined])('of format %j is refused, not guessed at', (format) => {
    const { parts, sources } = JSON.parse(gunzipSync(encodeShard(SHARD)).toString('utf8'));
    const other = gzipSync(JSON.stringify({ format, parts, sources }));
    expect(() => decodeShard(other)).toThrow(`Expected a plan of format 1, got ${format}`);
  });
});

test('any other part of a plan that is JSON comes back, too', () => {
  const files = { files: ['ä', '\ud83d\ude00', '\u2028'], missing: [], count: 2 ** 53 - 1 };
  expect(decode(encode(files))).toMatchObject(files);
});
