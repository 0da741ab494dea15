import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { crc32 } from 'node:zlib';
import type { ZipFile } from 'yauzl';

/** A file of an archive, as it comes out of it. */
export interface ReadFile {
  readonly name: string;
  readonly content: Buffer;
  readonly crc32: number;
}

/**
 * Reads every file of an archive and checks its CRC-32, which yauzl leaves to its callers; sizes it
 * checks itself. Throws an error that names the first one that is wrong.
 */
export async function* readZip(zip: ZipFile, zipName: string): AsyncGenerator<ReadFile> {
  for await (const entry of zip.eachEntry()) {
    const content = await buffer(await zip.openReadStreamPromise(entry));
    if (crc32(content) !== entry.crc32) {
      throw new Error(`${entry.fileName} in ${zipName} has another CRC-32 than ${zipName} says`);
    }
    yield { name: entry.fileName, content, crc32: entry.crc32 };
  }
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
