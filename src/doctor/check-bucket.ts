import { randomUUID } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { WORKING_FOLDER } from '../messages/folders.ts';
import { isMissing } from '../storage/errors.ts';
import { BucketTrial } from './bucket-trial.ts';
import type { Finding } from './finding.ts';

const SCRATCH = Buffer.from('sheaf doctor');

/**
 * Tries each call that workers make on a bucket that they write to, on objects that it removes again.
 *
 * @param folders where archives go to, each with a slash at its end
 */
export async function checkBucket(
  s3: S3Client,
  bucket: string,
  folders: readonly string[],
): Promise<Finding[]> {
  const trial = new BucketTrial(bucket);
  const prefix = `${WORKING_FOLDER}doctor-${randomUUID()}/`;
  const object = { Bucket: bucket, Key: `${prefix}object` };
  const copy = { Bucket: bucket, Key: `${prefix}copy` };

  await trial.call('ListObjectsV2', () =>
    s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix })),
  );
  if (trial.isHopeless) return trial.findings();
  const put = await trial.call('PutObject', () =>
    s3.send(new PutObjectCommand({ ...object, Body: SCRATCH })),
  );
  if (put) {
    await trial.call('HeadObject', () => s3.send(new HeadObjectCommand(object)));
    await trial.call('GetObject', async () => {
      const range = { Range: 'bytes=0-4', IfMatch: put.ETag };
      const { Body } = await s3.send(new GetObjectCommand({ ...object, ...range }));
      await Body?.transformToByteArray();
    });
  }
  await tryUpload(s3, trial, copy, put?.ETag, `${bucket}/${object.Key}`);
  // Of what is made, nothing but working objects may be deleted.
  for (const folder of [WORKING_FOLDER, ...folders]) {
    const target = { Bucket: bucket, Key: `${folder}doctor-${randomUUID()}` };
    await trial.call(`an upload to ${folder}`, async () => {
      const { UploadId } = await s3.send(new CreateMultipartUploadCommand(target));
      await s3.send(new UploadPartCommand({ ...target, UploadId, PartNumber: 1, Body: SCRATCH }));
      await s3.send(new AbortMultipartUploadCommand({ ...target, UploadId }));
    });
  }
  await trial.call('DeleteObjects', async () => {
    const Objects = [object, copy].map(({ Key }) => ({ Key }));
    const { Errors = [] } = await s3.send(
      new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }),
    );
    const [first] = Errors;
    if (first) throw Object.assign(new Error(first.Message), { name: first.Code ?? 'Error' });
  });
  return trial.findings();
}

/** Tries the calls on a bucket that workers only read. */
export async function checkSource(s3: S3Client, bucket: string): Promise<Finding[]> {
  const trial = new BucketTrial(bucket);
  await trial.call('ListObjectsV2', () =>
    s3.send(new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 1 })),
  );
  if (trial.isHopeless) return trial.findings();
  const nothing = { Bucket: bucket, Key: `${WORKING_FOLDER}doctor-${randomUUID()}` };
  await trial.call('GetObject', () => absent(s3, nothing));
  return trial.findings();
}

/** An object of one part that is uploaded, and of one that S3 copies. */
async function tryUpload(
  s3: S3Client,
  trial: BucketTrial,
  target: { readonly Bucket: string; readonly Key: string },
  sourceEtag: string | undefined,
  source: string,
): Promise<void> {
  const upload = await trial.call('CreateMultipartUpload', () =>
    s3.send(new CreateMultipartUploadCommand(target)),
  );
  if (!upload) return;
  const { UploadId } = upload;
  const part = { ...target, UploadId, PartNumber: 1 };
  const uploaded = await trial.call('UploadPart', () =>
    s3.send(new UploadPartCommand({ ...part, Body: SCRATCH })),
  );
  const copied = sourceEtag
    ? await trial.call('UploadPartCopy', () =>
        s3.send(
          new UploadPartCopyCommand({
            ...part,
            CopySource: source,
            CopySourceIfMatch: sourceEtag,
            CopySourceRange: 'bytes=0-4',
          }),
        ),
      )
    : undefined;
  await trial.call('ListParts', () => s3.send(new ListPartsCommand({ ...target, UploadId })));
  const ETag = copied?.CopyPartResult?.ETag ?? uploaded?.ETag;
  const completed =
    ETag &&
    (await trial.call('CompleteMultipartUpload', () =>
      s3.send(
        new CompleteMultipartUploadCommand({
          ...target,
          UploadId,
          MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
        }),
      ),
    ));
  // What can't be completed, or aborted, is left to the lifecycle rule.
  if (!completed) {
    await s3.send(new AbortMultipartUploadCommand({ ...target, UploadId })).catch(() => {});
  }
}

/** S3 says of an object that is not there that it is not there only to those who may list the bucket. */
async function absent(
  s3: S3Client,
  object: { readonly Bucket: string; readonly Key: string },
): Promise<void> {
  await s3.send(new HeadObjectCommand(object)).catch((error) => {
    if (!isMissing(error)) throw error;
  });
}
