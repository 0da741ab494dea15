import {
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import { testS3 } from './harness.ts';

/** The bytes of an object. */
export async function readObject(Bucket: string, Key: string, s3 = testS3()): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

/** Every key in a bucket. */
export async function listKeys(Bucket: string, s3 = testS3()): Promise<string[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
  return Contents.map(({ Key = '' }) => Key);
}

/** The key of every multipart upload in a bucket that is neither completed nor aborted. */
export async function listUploads(Bucket: string, s3 = testS3()): Promise<string[]> {
  const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket }));
  return Uploads.map(({ Key = '' }) => Key);
}
