/**
 * What a careful user would write in TypeScript to zip objects: each is read as a stream, one after the
 * other, into a ZIP (archiver, stored) that is streamed into a multipart upload (lib-storage), with no
 * disk and little memory. The next objects are opened ahead, so that nobody waits for S3's first byte.
 * The S3 client is the one that sheaf uses.
 */
import { once } from 'node:events';
import { basename } from 'node:path/posix';
import type { Readable } from 'node:stream';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import type { ObjectsJob } from '../zip/objects.ts';
import { ahead } from './ahead.ts';
import { pack } from './pack.ts';
import { runProgram } from './protocol.ts';

/** A part of the upload (bytes): 10,000 of them are enough for 168 GB. */
const PART_BYTES = 16 * 1024 * 1024;

await runProgram<ObjectsJob>(async (s3, { bucket, keys, target, lanes }) => {
  let bytesRead = 0;
  const open = async (key: string) => {
    const { Body, ContentLength } = await s3.send(
      new GetObjectCommand({ Bucket: bucket, Key: key }),
    );
    bytesRead += ContentLength ?? 0;
    return { name: basename(key), content: Body as Readable };
  };
  const bytesWritten = await pack(s3, { bucket, key: target }, PART_BYTES, async (archive) => {
    for await (const { name, content } of ahead(keys, lanes, open)) {
      const packed = once(archive, 'entry');
      archive.append(content, { name });
      await packed;
    }
  });
  return { bytesRead, bytesWritten };
});
