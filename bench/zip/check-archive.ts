import { join } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import yauzl from 'yauzl';
import { readZip, sha256 } from '../contest/read-zip.ts';
import { download } from '../programs/ranges.ts';
import type { ObjectFacts, ObjectsJob } from './objects.ts';

/**
 * Checks an archive by reading all of it: each object must be in it once, and nothing else, under its
 * name, with its size, CRC-32 and SHA-256. Returns the archive's bytes. Throws an error that names the
 * first difference.
 */
export async function checkArchive(
  s3: S3Client,
  { bucket, target: key, workDir }: ObjectsJob,
  objects: readonly ObjectFacts[],
  signal: AbortSignal,
): Promise<number> {
  // It may be larger than what fits into memory.
  const file = join(workDir, 'archive.zip');
  const bytes = await download(s3, { bucket, key }, file, signal);
  const zip = await yauzl.openPromise(file, { autoClose: false });
  try {
    const absent = new Map(objects.map((object) => [object.name, object]));
    for await (const { name, content, crc32 } of readZip(zip, key)) {
      signal.throwIfAborted();
      const object = absent.get(name);
      if (!object) throw new Error(`${name} in ${key} is not an object, or twice there`);
      absent.delete(name);
      compare(object, { name, size: content.length, crc32, sha256: sha256(content) });
    }
    const [first] = absent.keys();
    if (first) throw new Error(`${key} lacks ${absent.size} objects, ${first} for one`);
  } finally {
    zip.close();
  }
  return bytes;
}

function compare(expected: ObjectFacts, got: ObjectFacts): void {
  for (const fact of ['size', 'crc32', 'sha256'] as const) {
    if (got[fact] === expected[fact]) continue;
    throw new Error(`${got.name}: expected ${fact} ${expected[fact]}, got ${got[fact]}`);
  }
}
