import type { S3Client } from '@aws-sdk/client-s3';
import { decodeStretch, encodeStretch } from '../archive/index-file.ts';
import type { ObjectLocation } from '../storage/errors.ts';
import { getObject, putObject } from '../storage/objects.ts';
import type { IndexStore } from '../storage/unpack.ts';
import { currentRun, workingPrefix } from './working-objects.ts';

/** Keeps the index of the current run's archive among the run's working objects. */
export function indexStore(s3: S3Client, bucket: string): IndexStore {
  const prefix = workingPrefix(currentRun().workflowId);
  const locate = (number: number): ObjectLocation => ({
    bucket,
    key: `${prefix}index-${number}.json.gz`,
  });
  return {
    save: (number, stretch, signal) =>
      putObject(s3, locate(number), encodeStretch(stretch), signal),
    load: async (number, signal) => decodeStretch(await getObject(s3, locate(number), signal)),
  };
}
