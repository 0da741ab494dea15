import { ApplicationFailure, CancellationScope, proxyActivities } from '@temporalio/workflow';
import type { BatchOrder, BatchReport } from '../activities/build-batch.ts';
import type { Activities } from '../activities/index.ts';
import { activityOptions } from './activity-options.ts';
import { failedWith } from './failure.ts';

const { openBatch, assembleBatch, abortBatch } = proxyActivities<Activities>(activityOptions);

/** An upload that is gone has been aborted by a lifecycle rule or by hand; nobody does that over and over. */
const MAX_UPLOADS = 3;

/**
 * Builds one batch zip: begins an upload, makes its parts, completes it. The upload's id is in the
 * history before a part is made, so that whichever worker goes on finds the parts of the one before.
 * Undefined where the very same batch zip is in S3 already.
 */
export async function buildBatch(order: BatchOrder): Promise<BatchReport | undefined> {
  for (let uploads = 1; uploads <= MAX_UPLOADS; uploads++) {
    const upload = await openBatch(order);
    if (!upload) return undefined;
    try {
      return await assembleBatch(order, upload);
    } catch (error) {
      await CancellationScope.nonCancellable(() => abortBatch(upload));
      if (!failedWith(error, 'UploadGoneError')) throw error;
    }
  }
  throw ApplicationFailure.nonRetryable(
    `The upload of s3://${order.target.bucket}/${order.target.key} was aborted from outside ${MAX_UPLOADS} times; see the bucket's lifecycle rules`,
    'UploadGoneError',
  );
}
