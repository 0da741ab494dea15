import { describe, expect, test } from 'vitest';
import { BufferPool } from '../../src/archive/buffer-pool.ts';
import { bufferReader } from '../../src/archive/range-reader.ts';
import { readZipIndex } from '../../src/archive/zip-index.ts';
import { joinPieces } from '../../src/storage/join-pieces.ts';
import { LIMITS, pythonZip } from '../support/zip-fixtures.ts';

const KIB = 1024;
const { signal } = new AbortController();

/** 10 MiB in which every byte tells where it is. */
const SOURCE = Buffer.alloc(10 * KIB * KIB);
for (let at = 0; at < SOURCE.length; at += 4) SOURCE.writeUInt32LE(at, at);

describe('joinPieces', () => {
  test('puts literals and ranges of the source together in their order', async () => {
    const { joined } = await join([
      { bytes: Buffer.from('head') },
      { start: 5_000, end: 6_000 },
      { start: 6_000, end: 6_000 },
      { bytes: Buffer.from('middle') },
      { start: 100, end: 200 },
    ]);

    const expected = [Buffer.from('head'), SOURCE.subarray(5_000, 6_000), Buffer.from('middle')];
    expect(joined).toEqual(Buffer.concat([...expected, SOURCE.subarray(100, 200)]));
  });

  test('reads ranges that lie near each other at once', async () => {
    const { reads } = await join([
      { start: 0, end: 100 * KIB },
      { bytes: Buffer.from('renamed') },
      { start: 101 * KIB, end: 200 * KIB },
      { start: 201 * KIB, end: 300 * KIB },
    ]);

    expect(reads).toEqual([[0, 300 * KIB]]);
  });

  test('reads ranges apart that lie far from each other, or go back', async () => {
    const { reads } = await join([
      { start: 0, end: 10 },
      { start: 200 * KIB, end: 210 * KIB },
      { start: 100 * KIB, end: 110 * KIB },
    ]);

    expect(reads).toHaveLength(3);
  });

  test('reads over no more bytes than it takes', async () => {
    const scattered = Array.from({ length: 20 }, (_, n) => ({
      start: n * 60 * KIB,
      end: n * 60 * KIB + 1,
    }));
    const { reads } = await join(scattered);

    expect(reads.reduce((sum, [start, end]) => sum + end - start, 0)).toBeLessThanOrEqual(2 * 20);
  });

  test('checks an entry that it takes without its header, and names one that is not as it should be', async () => {
    const archive = pythonZip(`
with ZipFile(target, 'w') as archive:
    archive.writestr('a.jpg', b'first' * 100)
    archive.writestr('b.jpg', b'second' * 100)
`);
    const entries = await readZipIndex(bufferReader(archive), LIMITS);
    const pieces = entries.map(({ dataStart, compressedSize }, entry) => ({
      start: dataStart,
      end: dataStart + compressedSize,
      entry,
    }));
    const verified: string[] = [];
    const options = {
      pieces,
      entries,
      signal,
      onVerified: ({ name }: { name: string }) => verified.push(name),
      read: async (start: number, end: number) => archive.subarray(start, end),
      pool: new BufferPool(0),
    };

    await expect(joinPieces(options, copyOf)).resolves.toEqual(
      Buffer.from('first'.repeat(100) + 'second'.repeat(100)),
    );
    expect(verified).toEqual(['a.jpg', 'b.jpg']);
    archive.write('X', pieces[1]?.start ?? 0);
    await expect(joinPieces(options, copyOf)).rejects.toThrow(/b\.jpg.*CRC-32/);
  });
});

/** What was joined is valid only while it is used. */
const copyOf = async (joined: Buffer) => Buffer.from(joined);

type Pieces = Parameters<typeof joinPieces>[0]['pieces'];

async function join(pieces: Pieces) {
  const reads: [number, number][] = [];
  const joined = await joinPieces(
    {
      pieces,
      entries: [],
      onVerified: undefined,
      signal,
      read: async (start, end) => {
        reads.push([start, end]);
        return SOURCE.subarray(start, end);
      },
      pool: new BufferPool(0),
    },
    copyOf,
  );
  return { joined, reads };
}
