import { ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import yauzl from 'yauzl';
import { getObject } from '../../src/storage/objects.ts';
import { readZip, sha256 } from '../contest/read-zip.ts';
import type { Archive } from './archive.ts';

const FOLDER = 'batch/';
const MANIFEST = 'manifest.csv';

/** What a batch zip holds, so that two can be compared whoever packed them. */
interface Contents {
  readonly manifest: Buffer;
  /** Of its images: the SHA-256 over the sorted lines `<sha256> <name>`. */
  readonly hash: string;
}

/**
 * Checks what a competitor has made, by reading all of it: the batch zips that there must be and no
 * others, in each exactly the images of its rows with their bytes, and manifests that together are
 * the archive's. Returns the bytes of all batch zips. Throws an error that names the first difference.
 */
export async function checkParts(s3: S3Client, bucket: string, archive: Archive): Promise<number> {
  const { images, batchSize, manifest } = archive;
  const expected = Array.from({ length: Math.ceil(images.length / batchSize) }, (_, index) => ({
    name: `${archive.base}-part${index + 1}.zip`,
    images: images.slice(index * batchSize, (index + 1) * batchSize),
  }));
  await checkNames(
    s3,
    bucket,
    expected.map(({ name }) => name),
  );

  const headerEnd = manifest.indexOf('\n') + 1;
  const manifests: Buffer[] = [manifest.subarray(0, headerEnd)];
  let bytes = 0;
  for (const part of expected) {
    const zip = await getObject(s3, { bucket, key: FOLDER + part.name });
    bytes += zip.length;
    const contents = await readContents(zip, part.name);
    if (contents.hash !== contentHash(part.images)) {
      throw new Error(`${part.name} does not hold the images of its rows, byte for byte`);
    }
    const absent = part.images.find(({ name }) => !contents.manifest.includes(name));
    if (absent) throw new Error(`The manifest of ${part.name} has no row for ${absent.name}`);
    manifests.push(contents.manifest.subarray(headerEnd));
  }
  if (!Buffer.concat(manifests).equals(manifest)) {
    throw new Error("The batch zips' manifests, joined, are not the archive's");
  }
  return bytes;
}

async function checkNames(s3: S3Client, Bucket: string, expected: string[]): Promise<void> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: FOLDER }));
  const found = Contents.map(({ Key = '' }) => Key.slice(FOLDER.length)).sort();
  if (found.join() === expected.toSorted().join()) return;
  throw new Error(`Expected the batch zips ${expected.join(', ')}, got ${found.join(', ')}`);
}

async function readContents(bytes: Buffer, name: string): Promise<Contents> {
  const zip = await yauzl.fromBufferPromise(bytes);
  const images: { name: string; sha256: string }[] = [];
  const manifests: Buffer[] = [];
  for await (const file of readZip(zip, name)) {
    if (file.name === MANIFEST) manifests.push(file.content);
    else images.push({ name: file.name, sha256: sha256(file.content) });
  }
  const [manifest, ...others] = manifests;
  if (!manifest || others.length > 0) {
    throw new Error(`Expected 1 ${MANIFEST} in ${name}, got ${manifests.length}`);
  }
  return { manifest, hash: contentHash(images) };
}

function contentHash(images: Archive['images']): string {
  const lines = images.map((image) => `${image.sha256} ${image.name}\n`).sort();
  return sha256(Buffer.from(lines.join('')));
}
