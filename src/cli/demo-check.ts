import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import type { S3Client } from '@aws-sdk/client-s3';
import yauzl from 'yauzl';
import type { SampleExport } from '../local/sample-export.ts';
import { getObject } from '../storage/objects.ts';

const MANIFEST = 'manifest.csv';

/**
 * Checks batch zips against the export that they are made of, as their reader would see them: each
 * opens, has one manifest, and exactly its rows' images, equal by SHA-256; all rows together are the
 * source's. Throws an error that names the first difference.
 */
export async function checkParts(
  s3: S3Client,
  bucket: string,
  names: readonly string[],
  sample: SampleExport,
): Promise<{ images: number; rows: number }> {
  const headerEnd = sample.manifest.indexOf('\n') + 1;
  const expectedImages = sample.imageNames[Symbol.iterator]();
  const manifests: Buffer[] = [];
  let images = 0;
  for (const name of names) {
    const files = await readZip(await getObject(s3, { bucket, key: `batch/${name}` }));
    const manifest = files.get(MANIFEST);
    if (!manifest) throw new Error(`${name} has no ${MANIFEST}`);
    manifests.push(manifest.subarray(manifests.length === 0 ? 0 : headerEnd));
    files.delete(MANIFEST);
    for (let left = files.size; left > 0; left--) {
      const image = String(expectedImages.next().value);
      const bytes = files.get(image);
      if (!bytes) throw new Error(`${name} lacks ${image}`);
      if (sha256(bytes) !== sha256(sample.image(image))) {
        throw new Error(`${image} in ${name} differs from the source`);
      }
      images += 1;
    }
  }
  if (!expectedImages.next().done) throw new Error('Some images are in no batch zip');
  if (!Buffer.concat(manifests).equals(sample.manifest)) {
    throw new Error("The batch zips' manifests, joined, are not the source's");
  }
  return { images, rows: images };
}

/** The files of a ZIP by name; yauzl checks each size as it reads. */
async function readZip(bytes: Buffer): Promise<Map<string, Buffer>> {
  const zip = await yauzl.fromBufferPromise(bytes);
  const files = new Map<string, Buffer>();
  for await (const entry of zip.eachEntry()) {
    files.set(entry.fileName, await buffer(await zip.openReadStreamPromise(entry)));
  }
  return files;
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
