import { crc32 } from 'node:zlib';
import { ByteSource } from './byte-source.ts';
import { entryError } from './entry-names.ts';
import { METHOD_DEFLATE, type ZipEntry } from './zip-entry.ts';
import { inflatedCrc } from './zip-inflate.ts';
import { checkDescriptor, checkLocalHeader, type HeaderFacts, hex32 } from './zip-local.ts';

/** What verifying a record needs to know of its entry. */
export type RecordFacts = HeaderFacts & Pick<ZipEntry, 'dataStart' | 'recordEnd'>;

/**
 * Checks records against what the central directory says of them, to the byte: the local header, the
 * CRC-32 and size of the data (inflated, where it is deflated) and the data descriptor. `entries` lie
 * side by side in the archive, in this order; `chunks` are the archive's bytes from the first record's
 * start to the last one's end, cut anywhere. `onVerified` is called after each entry.
 *
 * Copies only a header or a small deflated entry that lies across a border between chunks; memory is
 * constant, below 1 MiB beside the chunks. A chunk is done with once the next one has been asked for.
 *
 * Throws `ArchiveError` where a record is not as the central directory says, what the chunks'
 * iterator throws, and `Error` where the chunks end too early.
 */
export async function verifyRecords<Facts extends RecordFacts>(
  entries: readonly Facts[],
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
  onVerified?: (entry: Facts) => void,
): Promise<void> {
  const source = new ByteSource(chunks);
  try {
    for (const [index, entry] of entries.entries()) {
      assertAdjacent(entries[index - 1], entry);
      await verifyRecord(entry, source);
      onVerified?.(entry);
    }
  } finally {
    await source.close();
  }
}

async function verifyRecord(entry: RecordFacts, source: ByteSource): Promise<void> {
  const { recordStart, dataStart, compressedSize, recordEnd } = entry;
  // Data alone, as a TAR has it, begins at once.
  if (dataStart > recordStart) checkHeader(entry, await source.take(dataStart - recordStart));
  const crc =
    entry.method === METHOD_DEFLATE
      ? await inflatedCrc(entry, source)
      : await storedCrc(compressedSize, source);
  if (crc !== entry.crc32) {
    throw entryError(entry.name, `CRC-32 is ${hex32(crc)}, the archive says ${hex32(entry.crc32)}`);
  }
  checkDescriptor(entry, await source.take(recordEnd - dataStart - compressedSize));
}

function checkHeader(entry: RecordFacts, header: Buffer): void {
  const length = checkLocalHeader(entry, header);
  if (length !== header.length) {
    throw entryError(
      entry.name,
      `its local header has ${length} bytes, but its data begins after ${header.length}`,
    );
  }
}

async function storedCrc(size: number, source: ByteSource): Promise<number> {
  let crc = 0;
  for (let left = size; left > 0; ) {
    const piece = await source.piece(left);
    crc = crc32(piece, crc);
    left -= piece.length;
  }
  return crc;
}

/** Guards the caller's side of the bargain, of which the bytes could say nothing sensible. */
function assertAdjacent(previous: RecordFacts | undefined, entry: RecordFacts): void {
  if (previous !== undefined && previous.recordEnd !== entry.recordStart) {
    throw new RangeError(
      `Expected the record behind offset ${previous.recordEnd}, got one at ${entry.recordStart}`,
    );
  }
}
