import { crc32 } from 'node:zlib';
import { type EntryFacts, METHOD_STORE } from '../archive/zip-entry.ts';
import { centralHeader, endRecords, localHeader } from '../archive/zip-records.ts';
import type { SampleFile } from './sample-files.ts';

/** 2024-03-01 12:00:00, MS-DOS format (APPNOTE.TXT 4.4.6): a sample has no clock. */
const MODIFIED = { modTime: 12 << 11, modDate: ((2024 - 1980) << 9) | (3 << 5) | 1 };

/** Made by 2.0 on Unix (APPNOTE.TXT 4.4.2), a regular file with mode 644; stored, so 1.0 reads it. */
const UNIX_FILE = {
  versionMadeBy: (3 << 8) | 20,
  versionNeeded: 10,
  externalAttributes: (0o100644 << 16) >>> 0,
};

/** A ZIP of stored files, piece by piece. */
export function* zipPieces(files: readonly SampleFile[]): Generator<Buffer> {
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content } of files) {
    const bytes = content();
    const facts = storedEntry(name, bytes);
    const header = localHeader(facts);
    yield header;
    yield bytes;
    directory.push(centralHeader(facts, offset));
    offset += header.length + bytes.length;
  }
  const records = Buffer.concat(directory);
  yield records;
  yield endRecords({ count: files.length, offset, length: records.length });
}

function storedEntry(name: string, content: Buffer): EntryFacts {
  return {
    ...MODIFIED,
    ...UNIX_FILE,
    rawName: Buffer.from(name),
    flags: 0,
    method: METHOD_STORE,
    crc32: crc32(content),
    compressedSize: content.length,
    uncompressedSize: content.length,
    internalAttributes: 0,
    extra: Buffer.alloc(0),
    comment: Buffer.alloc(0),
  };
}
