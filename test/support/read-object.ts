import { GetObjectCommand } from '@aws-sdk/client-s3';
import { testS3 } from './harness.ts';

/** The bytes of an object. */
export async function readObject(Bucket: string, Key: string): Promise<Buffer> {
  const { Body } = await testS3().send(new GetObjectCommand({ Bucket, Key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}
