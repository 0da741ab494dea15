import { createHash } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { ArchiveError } from '../../src/archive/errors.ts';
import { bufferReader } from '../../src/archive/range-reader.ts';
import { FLAG_DATA_DESCRIPTOR } from '../../src/archive/zip-entry.ts';
import { readZipIndex } from '../../src/archive/zip-index.ts';
import { type RecordFacts, verifyRecords } from '../../src/archive/zip-verify.ts';
import { craftDescriptor, craftExtra, craftZip } from '../support/zip-crafting.ts';
import {
  chunksOf,
  HAS_INFO_ZIP,
  infoZip,
  LIMITS,
  readWhole,
  refusal,
} from '../support/zip-fixtures.ts';

const DATA = Buffer.from('some bytes of a picture');
/** 300 KB of six random bits a byte: deflated, still large enough for the streaming path. */
const LARGE = createHash('shake256', { outputLength: 300_000 }).digest();
for (const [at, byte] of LARGE.entries()) LARGE[at] = byte & 0x3f;

const index = (archive: Buffer) => readZipIndex(bufferReader(archive), LIMITS);

/** An archive with every kind of record, its larger files of `large`. */
function variety(large = LARGE): Buffer {
  const wide = { signed: false, wide: true };
  return craftZip([
    { name: 'stored', data: DATA },
    { name: 'stored, extra', data: DATA, local: { extra: craftExtra(0xcafe, Buffer.alloc(40)) } },
    {
      name: 'stored, streamed',
      data: DATA,
      flags: FLAG_DATA_DESCRIPTOR,
      descriptor: craftDescriptor(DATA, { signed: true, wide: false }),
    },
    { name: 'folder/' },
    { name: 'deflated', data: DATA, method: 8 },
    { name: 'deflated, empty', method: 8 },
    { name: 'large', data: large },
    { name: 'large, deflated', data: large, method: 8 },
    {
      name: 'large, deflated, streamed',
      data: large,
      method: 8,
      flags: FLAG_DATA_DESCRIPTOR,
      descriptor: craftDescriptor(large, wide, deflateRawSync(large).length),
    },
  ]);
}

describe('chunks', () => {
  test.each([
    [1, 500],
    [2, 500],
    [7, 500],
    [31, 70_000],
    [1000, 300_000],
    [65_536, 300_000],
    [10_000_000, 300_000],
  ])('cut every %i bytes', async (chunkBytes, largeBytes) => {
    const archive = variety(LARGE.subarray(0, largeBytes));
    const entries = await index(archive);
    const verified: RecordFacts[] = [];
    await verifyRecords(entries, chunksOf(archive, chunkBytes), (entry) => verified.push(entry));
    expect(verified).toEqual(entries);
  });

  test('from an asynchronous source, some of them empty', async () => {
    const archive = variety();
    async function* chunks() {
      for (const chunk of chunksOf(archive, 5000)) yield* [chunk, Buffer.alloc(0)];
    }
    await verifyRecords(await index(archive), chunks());
  });

  test('a run in the middle of the archive', async () => {
    const archive = variety();
    const run = (await index(archive)).slice(2, 5);
    const bytes = archive.subarray(run[0]?.recordStart, run[2]?.recordEnd);
    await verifyRecords(run, [bytes]);
  });

  test('no entries need no chunks', async () => {
    await verifyRecords([], []);
  });

  test('chunks that end early are an error, and not one of the archive', async () => {
    const archive = variety();
    const entries = await index(archive);
    for (const length of [0, 20, 40, 400, 400_000]) {
      const verification = verifyRecords(entries, [archive.subarray(0, length)]);
      await expect(verification).rejects.toThrow(`The input ended after ${length} bytes`);
      await expect(verification).rejects.not.toBeInstanceOf(ArchiveError);
    }
  });

  test('an error of their source comes through as it is, and the source is closed', async () => {
    const archive = variety();
    const entries = await index(archive);
    const failure = new Error('socket hang up');
    async function* chunks() {
      yield archive.subarray(0, 400_000);
      throw failure;
    }
    await expect(verifyRecords(entries, chunks())).rejects.toBe(failure);
    let closed = false;
    function* broken() {
      try {
        yield Buffer.alloc(1000);
        yield Buffer.alloc(1000);
      } finally {
        closed = true;
      }
    }
    await expect(verifyRecords(entries, broken())).rejects.toThrow(ArchiveError);
    expect(closed).toBe(true);
  });

  test('entries that do not lie side by side are a mistake of the caller', async () => {
    const archive = variety();
    const [first, , third] = await index(archive);
    await expect(verifyRecords([first, third] as RecordFacts[], [archive])).rejects.toThrow(
      new RangeError('Expected the record behind offset 59, got one at 169'),
    );
  });
});

describe('data that is not what the archive says', () => {
  test('a stored byte', async () => {
    const archive = craftZip([{ name: 'a.jpg', data: DATA }]);
    archive.writeUInt8(0, 40);
    expect(await refusal(archive)).toMatch(
      /^Entry "a.jpg": CRC-32 is [0-9a-f]{8}, the archive says [0-9a-f]{8}$/,
    );
  });

  /** Small data is inflated in one call, large data by a stream: both judge alike. */
  describe.each([
    ['small', DATA],
    ['large', LARGE],
  ])('%s deflated data', (_, data) => {
    const deflated = deflateRawSync(data);
    const entry = { name: 'a.jpg', data, method: 8 };
    const sized = (uncompressedSize: number) => ({
      local: { uncompressedSize },
      central: { uncompressedSize },
    });

    test('another CRC', async () => {
      const lie = { crc: 0xab };
      expect(await refusal(craftZip([{ ...entry, local: lie, central: lie }]))).toMatch(
        /^Entry "a.jpg": CRC-32 is [0-9a-f]{8}, the archive says 000000ab$/,
      );
    });

    test.each([
      ['shorter', data.length - 1, `inflates to more than the ${data.length - 1} bytes`],
      ['empty', 0, 'inflates to more than the 0 bytes'],
      ['longer', data.length + 1, `inflates to ${data.length} bytes, the archive says`],
    ])('said to be %s', async (_, size, message) => {
      expect(await refusal(craftZip([{ ...entry, ...sized(size) }]))).toContain(
        `Entry "a.jpg": ${message}`,
      );
    });

    test.each([1, 100_000])('%i bytes behind the end of the deflate stream', async (count) => {
      const payload = Buffer.concat([deflated, Buffer.alloc(count)]);
      expect(await refusal(craftZip([{ ...entry, payload }]))).toBe(
        `Entry "a.jpg": its deflate stream ends after ${deflated.length} of ${payload.length} bytes`,
      );
    });

    test('bytes behind the end of the deflate stream, in a chunk of their own', async () => {
      const payload = Buffer.concat([deflated, Buffer.alloc(100_000)]);
      const archive = craftZip([{ ...entry, payload }]);
      const entries = await index(archive);
      const border = 35 + deflated.length;
      await expect(
        verifyRecords(entries, [archive.subarray(0, border), archive.subarray(border)]),
      ).rejects.toThrow(/its deflate stream ends after/);
    });

    test('a deflate stream without its end', async () => {
      const payload = deflated.subarray(0, -1);
      expect(await refusal(craftZip([{ ...entry, payload }]))).toBe(
        `Entry "a.jpg": its deflate stream does not end within its ${payload.length} bytes`,
      );
    });

    test('no deflate stream', async () => {
      const payload = Buffer.alloc(deflated.length, 0xff);
      expect(await refusal(craftZip([{ ...entry, payload }]))).toBe(
        'Entry "a.jpg": its deflate stream is broken: invalid block type',
      );
    });
  });

  test('a bomb is stopped once it has given more than it declares', async () => {
    const bomb = { name: 'bomb', data: Buffer.alloc(100_000_000), method: 8 };
    const size = { uncompressedSize: 1_000_000 };
    const archive = craftZip([{ ...bomb, local: size, central: size }]);
    const before = process.memoryUsage.rss();
    expect(await refusal(archive)).toBe(
      'Entry "bomb": inflates to more than the 1000000 bytes that it declares',
    );
    expect(process.memoryUsage.rss() - before).toBeLessThan(50_000_000);
  });
});

describe('records that only the verifier sees', () => {
  const image = Buffer.alloc(2000, 'x');
  const streamed = {
    data: image,
    flags: FLAG_DATA_DESCRIPTOR,
    descriptor: craftDescriptor(image, { signed: true, wide: false }),
  };

  test('a local header that the sample of its class did not show', async () => {
    const archive = craftZip([
      { name: 'a.jpg', data: image },
      { name: 'b.jpg', data: image, local: { name: 'x.jpg' } },
    ]);
    await index(archive);
    expect(await refusal(archive)).toContain(
      'Entry "b.jpg": local header at offset 2035: the name',
    );
  });

  test('bytes hidden in place of extra fields', async () => {
    const archive = craftZip([
      { name: 'a.jpg', data: image, local: { extra: craftExtra(0xcafe, Buffer.alloc(6)) } },
      { name: 'b.jpg', data: image, gap: Buffer.from('smuggled!!') },
    ]);
    await index(archive);
    expect(await refusal(archive)).toMatch(
      /Entry "b.jpg": its local header has 35 bytes, but its data begins after 45/,
    );
  });

  test('a descriptor that takes from the extra fields', async () => {
    const archive = craftZip([
      { ...streamed, name: 'a.jpg', local: { extra: craftExtra(0xcafe, Buffer.alloc(0)) } },
      { ...streamed, name: 'b.jpg', gap: Buffer.alloc(4) },
    ]);
    await index(archive);
    expect(await refusal(archive)).toContain(
      'Entry "b.jpg": its local header has 35 bytes, but its data begins after 39',
    );
  });

  test('a wrong descriptor', async () => {
    const archive = craftZip([
      { ...streamed, name: 'a.jpg' },
      { ...streamed, name: 'b.jpg', descriptor: Buffer.alloc(16) },
    ]);
    await index(archive);
    expect(await refusal(archive)).toContain('Entry "b.jpg": its data descriptor is 0000');
  });
});

test.runIf(HAS_INFO_ZIP)('what Info-ZIP deflates is verified, large and small', async () => {
  const archive = infoZip({ small: DATA, large: LARGE }, ['-r', '-', '.']);
  expect(await readWhole(archive, { chunkBytes: 1000 })).toHaveLength(2);
});
