import { expect, test } from 'vitest';
import type { RangeReader } from '../../src/archive/range-reader.ts';
import type { EntryFacts } from '../../src/archive/zip-entry.ts';
import { readZipIndex } from '../../src/archive/zip-index.ts';
import { centralHeader, endRecords, localHeader } from '../../src/archive/zip-records.ts';
import { verifyRecords } from '../../src/archive/zip-verify.ts';
import { craftDescriptor } from '../support/zip-crafting.ts';
import { LIMITS } from '../support/zip-fixtures.ts';

const GIB = 2 ** 30;

/** `crc32` of 4 GiB and one byte of zeros. */
const CRC_OF_ZEROS = 0x41d912ff;

/** An archive of zeros, but for some bytes here and there. */
class SparseArchive implements RangeReader {
  size = 0;
  reads = 0;
  readonly #islands: [number, Buffer][] = [];

  append(bytes: Buffer): this {
    this.#islands.push([this.size, bytes]);
    this.size += bytes.length;
    return this;
  }

  skip(length: number): this {
    this.size += length;
    return this;
  }

  async read(start: number, end: number): Promise<Buffer> {
    this.reads += 1;
    const bytes = Buffer.alloc(end - start);
    for (const [offset, island] of this.#islands) {
      if (offset >= end || offset + island.length <= start) continue;
      const from = Math.max(offset, start);
      island.copy(bytes, from - start, from - offset, end - offset);
    }
    return bytes;
  }
}

function zeros(name: string, size: number, crc = 0): EntryFacts {
  return {
    rawName: Buffer.from(name),
    versionMadeBy: 0x031e,
    versionNeeded: 20,
    flags: 0,
    method: 0,
    modTime: 0,
    modDate: 0x5a21,
    crc32: crc,
    compressedSize: size,
    uncompressedSize: size,
    internalAttributes: 0,
    externalAttributes: 0,
    extra: Buffer.alloc(0),
    comment: Buffer.alloc(0),
  };
}

function archiveOf(files: readonly EntryFacts[]): SparseArchive {
  const archive = new SparseArchive();
  const headers: Buffer[] = [];
  for (const facts of files) {
    headers.push(centralHeader(facts, archive.size));
    archive.append(localHeader(facts)).skip(facts.compressedSize);
  }
  const offset = archive.size;
  const directory = Buffer.concat(headers);
  return archive
    .append(directory)
    .append(endRecords({ count: files.length, offset, length: directory.length }));
}

test('entries and offsets beyond 4 GiB', async () => {
  const archive = archiveOf([
    zeros('small.bin', 10),
    zeros('huge.bin', 5 * GIB),
    zeros('behind.bin', 20),
    zeros('last.bin', 4 * GIB - 1),
  ]);
  const entries = await readZipIndex(archive, LIMITS);
  expect(
    entries.map(({ name, recordStart, dataStart, recordEnd }) => [
      name,
      recordStart,
      dataStart - recordStart,
      recordEnd - dataStart,
    ]),
  ).toEqual([
    ['small.bin', 0, 39, 10],
    ['huge.bin', 49, 38 + 20, 5 * GIB],
    ['behind.bin', 5 * GIB + 107, 40, 20],
    ['last.bin', 5 * GIB + 167, 38 + 20, 4 * GIB - 1],
  ]);
  expect(archive.reads).toBeLessThanOrEqual(4);
});

test('100 GiB of entries below 4 GiB each', async () => {
  const archive = archiveOf(Array.from({ length: 50 }, (_, i) => zeros(`${i + 10}.bin`, 2 * GIB)));
  const entries = await readZipIndex(archive, LIMITS);
  expect(entries.at(-1)?.recordEnd).toBe(50 * (2 * GIB + 36));
  expect(archive.reads).toBe(2);
});

test('an entry that claims more than the archive has', async () => {
  const honest = zeros('a.bin', 5 * GIB);
  const archive = new SparseArchive().append(localHeader(honest)).skip(GIB);
  const offset = archive.size;
  const directory = centralHeader(honest, 0);
  archive.append(directory).append(endRecords({ count: 1, offset, length: directory.length }));
  await expect(readZipIndex(archive, LIMITS)).rejects.toThrow(
    `Entry "a.bin": its record at offset 0 takes ${5 * GIB + 35} bytes or more, but overlaps the central directory at offset ${offset}`,
  );
});

test('a streamed entry beyond 4 GiB, with a descriptor of 64 bits', async () => {
  const size = 4 * GIB + 5;
  const facts = { ...zeros('streamed.bin', size), flags: 1 << 3 };
  const local = localHeader(facts);
  local.writeUInt16LE(facts.flags, 6);
  const descriptor = craftDescriptor(Buffer.alloc(0), { signed: true, wide: true });
  descriptor.writeBigUInt64LE(BigInt(size), 8);
  descriptor.writeBigUInt64LE(BigInt(size), 16);
  const archive = new SparseArchive().append(local).skip(size).append(descriptor);
  const offset = archive.size;
  const directory = centralHeader(facts, 0);
  archive.append(directory).append(endRecords({ count: 1, offset, length: directory.length }));
  const [entry] = await readZipIndex(archive, LIMITS);
  expect(entry).toMatchObject({ dataStart: local.length, recordEnd: offset });
});

test('data beyond 4 GiB is verified', async () => {
  const size = 4 * GIB + 1;
  const archive = archiveOf([zeros('huge.bin', size, CRC_OF_ZEROS)]);
  const entries = await readZipIndex(archive, LIMITS);
  const megabytes = Buffer.alloc(16 * 1024 * 1024);
  function* chunks() {
    const [entry] = entries;
    yield localHeader(zeros('huge.bin', size, CRC_OF_ZEROS));
    expect(entry?.compressedSize).toBe(size);
    for (let left = size; left > 0; left -= megabytes.length) {
      yield megabytes.subarray(0, Math.min(left, megabytes.length));
    }
  }
  await verifyRecords(entries, chunks());
});
