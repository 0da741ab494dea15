import { inflateRawSync } from 'node:zlib';
import { planBatches } from '../../src/archive/batch-plan.ts';
import { BufferPool } from '../../src/archive/buffer-pool.ts';
import { findContents, sameManifest } from '../../src/archive/contents.ts';
import { layoutBatchZip } from '../../src/archive/layout.ts';
import { decodeLayout, encodeLayout, type StoredLayout } from '../../src/archive/layout-file.ts';
import { manifestSlice, parseManifest } from '../../src/archive/manifest.ts';
import { type PartOptions, planParts } from '../../src/archive/part-plan.ts';
import { bufferReader } from '../../src/archive/range-reader.ts';
import { readEntry } from '../../src/archive/read-entry.ts';
import { readZipIndex } from '../../src/archive/zip-index.ts';
import { verifyRecords } from '../../src/archive/zip-verify.ts';
import { joinPieces } from '../../src/storage/join-pieces.ts';
import { LIMITS } from './zip-fixtures.ts';

/**
 * Splits an archive as the activities do with VERIFY=on, but in memory: the same planning, the same
 * stored layouts, the same parts and checks, without S3.
 */
export async function splitInMemory(
  archive: Buffer,
  options: { batchSize: number; sizes: PartOptions },
): Promise<Buffer[]> {
  const reader = bufferReader(archive);
  const contents = findContents(await readZipIndex(reader, LIMITS));
  const limit = { bytes: 1_000_000, setting: 'MAX_MANIFEST_BYTES' };
  const copies = await Promise.all(
    contents.manifests.map(async (entry) => ({
      entry,
      name: entry.name,
      bytes: await readEntry(reader, entry, limit),
    })),
  );
  const name = copies[0]?.name ?? '';
  const manifest = parseManifest(sameManifest(copies), {
    name,
    imageColumn: 'imageName',
    maxRowBytes: 100_000,
  });
  const batches = planBatches(manifest, contents, {
    batchSize: options.batchSize,
    maxBatches: 1000,
    inSourceOrder: (a, b) => a.recordStart - b.recordStart,
  });
  const zips: Buffer[] = [];
  for (const { images, firstRow, endRow } of batches) {
    const bytes = manifestSlice(manifest, firstRow, endRow);
    const layout = layoutBatchZip(images, { bytes, modTime: 0, modDate: 0x21 });
    const stored = encodeLayout(layout, planParts(layout, options.sizes), 'fingerprint');
    zips.push(await assembleInMemory(archive, decodeLayout(stored)));
  }
  return zips;
}

async function assembleInMemory(archive: Buffer, layout: StoredLayout): Promise<Buffer> {
  const parts: Buffer[] = [];
  const pool = new BufferPool(0);
  for (const part of layout.parts) {
    parts.push(
      part.kind === 'copy'
        ? archive.subarray(part.start, part.start + part.size)
        : await joinPieces(
            {
              pieces: part.pieces,
              entries: layout.entries,
              onVerified: () => {},
              signal: new AbortController().signal,
              read: async (start, end) => archive.subarray(start, end),
              pool,
            },
            async (joined) => Buffer.from(joined),
          ),
    );
  }
  for (const { first, last } of layout.spans) {
    const entries = layout.entries.slice(first, last + 1);
    const bytes = archive.subarray(entries[0]?.recordStart, entries.at(-1)?.recordEnd);
    await verifyRecords(entries, [bytes]);
  }
  return Buffer.concat(parts);
}

/** The files of a small archive, read the short way: a directory, local headers, no doubts. */
export function unzip(zip: Buffer): Map<string, Buffer> {
  const end = zip.lastIndexOf('PK\x05\x06', undefined, 'latin1');
  const files = new Map<string, Buffer>();
  let header = zip.readUInt32LE(end + 16);
  for (let count = zip.readUInt16LE(end + 10); count > 0; count--) {
    const nameEnd = header + 46 + zip.readUInt16LE(header + 28);
    const name = zip.toString('utf8', header + 46, nameEnd);
    if (files.has(name)) throw new Error(`${name} is there twice`);
    const local = zip.readUInt32LE(header + 42);
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const data = zip.subarray(start, start + zip.readUInt32LE(header + 20));
    files.set(name, zip.readUInt16LE(header + 10) === 8 ? inflateRawSync(data) : data);
    header = nameEnd + zip.readUInt16LE(header + 30) + zip.readUInt16LE(header + 32);
  }
  if (header !== end)
    throw new Error(`The directory ends at ${header}, the end record is at ${end}`);
  return files;
}
