import { inflateRawSync } from 'node:zlib';
import { quoteName } from './entry-names.ts';
import { LimitError } from './errors.ts';
import type { RangeReader } from './range-reader.ts';
import { METHOD_DEFLATE, type ZipEntry } from './zip-entry.ts';
import { verifyRecords } from './zip-verify.ts';

/**
 * An entry's content, whole, verified to its CRC-32.
 *
 * @param limit the most bytes that are read, and the setting that says so
 * @throws ArchiveError where the record is not as the central directory says
 * @throws LimitError where the entry is larger
 */
export async function readEntry(
  reader: RangeReader,
  entry: ZipEntry,
  limit: { readonly bytes: number; readonly setting: string },
): Promise<Buffer> {
  const largest = Math.max(entry.compressedSize, entry.uncompressedSize);
  if (largest > limit.bytes) {
    throw new LimitError(
      `Entry ${quoteName(entry.name)}: has ${largest} bytes, the limit is ${limit.bytes} (${limit.setting})`,
    );
  }
  const record = await reader.read(entry.recordStart, entry.recordEnd);
  await verifyRecords([entry], [record]);
  const start = entry.dataStart - entry.recordStart;
  const data = record.subarray(start, start + entry.compressedSize);
  return entry.method === METHOD_DEFLATE ? inflateRawSync(data) : data;
}
