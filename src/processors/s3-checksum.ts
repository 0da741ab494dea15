import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { bucketName, objectKey } from '../messages/fields.ts';
import { parseMessage } from '../messages/parse.ts';
import { isMissing, objectUrl } from '../storage/errors.ts';
import type { CreateProcessor, ItemProcessor } from './processor.ts';

/** Where the object is, and one checksum that it has, in hexadecimal digits. */
const fieldsSchema = z
  .object({
    bucket: bucketName,
    key: objectKey,
    sha256: hexadecimal(64),
    md5: hexadecimal(32),
    crc32: hexadecimal(8),
  })
  .refine(({ sha256, md5, crc32 }) => sha256 ?? md5 ?? crc32, {
    error: 'expected a checksum in one of the fields sha256, md5, crc32',
  });

/** Checks that an object of S3 is there and has the checksum that the item says. Reads all its bytes. */
const createS3Checksum: CreateProcessor<ItemProcessor> = ({ s3 }) => ({
  name: 's3-checksum',
  ignoresValue: true,
  async process({ fields }, { signal }) {
    const { bucket, key, ...expected } = parseMessage(
      fieldsSchema,
      fields,
      'reference to an object',
    );
    const [algorithm, digest] = wanted(expected);
    const command = new GetObjectCommand({ Bucket: bucket, Key: key });
    const { Body } = await s3.send(command, { abortSignal: signal }).catch((error) => {
      if (isMissing(error)) throw new Error(`${objectUrl({ bucket, key })} does not exist`);
      throw error;
    });
    const hash = createChecksum(algorithm);
    for await (const chunk of Body as Readable) hash.update(chunk);
    const found = hash.hex();
    if (found === digest) return;
    throw new Error(
      `${objectUrl({ bucket, key })} has the ${algorithm} ${found}, expected ${digest}`,
    );
  },
});

export default createS3Checksum;

function hexadecimal(digits: number) {
  const text = z
    .string()
    .regex(new RegExp(`^[0-9a-fA-F]{${digits}}$`), {
      error: `expected ${digits} hexadecimal digits`,
    })
    .transform((given) => given.toLowerCase());
  // An empty cell of a CSV file says nothing.
  return z.preprocess(
    (given) => (given === '' || given === null ? undefined : given),
    text.optional(),
  );
}

/** The strongest of the checksums that the item has. */
function wanted(checksums: Partial<Record<'sha256' | 'md5' | 'crc32', string | undefined>>) {
  const algorithm = checksums.sha256 ? 'sha256' : checksums.md5 ? 'md5' : 'crc32';
  return [algorithm, checksums[algorithm]] as const;
}

function createChecksum(algorithm: 'sha256' | 'md5' | 'crc32') {
  if (algorithm !== 'crc32') {
    const hash = createHash(algorithm);
    return { update: (chunk: Buffer) => void hash.update(chunk), hex: () => hash.digest('hex') };
  }
  let value = 0;
  return {
    update: (chunk: Buffer) => {
      value = crc32(chunk, value);
    },
    hex: () => value.toString(16).padStart(8, '0'),
  };
}
