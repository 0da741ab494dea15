/**
 * The floor: reads every byte of the objects from S3, many objects at once, drops them, and does nothing
 * else. Whatever has to look at every byte in one process takes at least as long.
 */
import type { Readable } from 'node:stream';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { inLanes } from '../../src/storage/lanes.ts';
import type { ObjectsJob } from '../zip/objects.ts';
import { runProgram } from './protocol.ts';

/** Objects that are read at once: more are no faster. */
const READS_AT_ONCE = 8;

/** No failure is left running: the process ends with it. */
const { signal } = new AbortController();

await runProgram<ObjectsJob>(async (s3, { bucket, keys }) => {
  let bytesRead = 0;
  await inLanes(keys, READS_AT_ONCE, signal, async (key) => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    for await (const chunk of Body as Readable) bytesRead += chunk.length;
  });
  return { bytesRead, bytesWritten: 0 };
});
