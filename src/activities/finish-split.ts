import type { S3Client } from '@aws-sdk/client-s3';
import { ApplicationFailure } from '@temporalio/activity';
import { objectUrl } from '../storage/errors.ts';
import { inLanes } from '../storage/lanes.ts';
import { findLoss } from './find-loss.ts';
import { heartbeating } from './heartbeat.ts';
import type { PlannedBatch } from './plan-split.ts';

/** HEAD and GET requests that are under way at once. */
const CONFIRM_LANES = 16;

/** Activities between the last batch zip and the end of a split run. */
export function createFinishSplitActivities({ s3 }: { readonly s3: S3Client }) {
  return {
    /**
     * Makes sure that every batch zip of a run can be read in S3, to its last byte, and is the one
     * that was planned: other jobs, people and lifecycle rules share the bucket.
     */
    async confirmBatches({ bucket, batches }: ConfirmOrder): Promise<void> {
      return heartbeating(async ({ signal }) => {
        await inLanes(batches, CONFIRM_LANES, signal, async (batch, laneSignal) => {
          const location = { bucket, key: batch.key };
          const loss = await findLoss(s3, location, batch.fingerprint, laneSignal);
          if (loss) {
            throw ApplicationFailure.nonRetryable(
              `${objectUrl(location)} is not the batch zip that this run built: ${loss}; send the job again`,
              'BatchLost',
            );
          }
        });
      });
    },
  };
}

export interface ConfirmOrder {
  readonly bucket: string;
  readonly batches: readonly Pick<PlannedBatch, 'key' | 'bytes' | 'fingerprint'>[];
}
