import type { S3Client } from '@aws-sdk/client-s3';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Config } from '../config.ts';
import { Budget } from '../storage/budget.ts';
import { createBuildBatchActivities } from './build-batch.ts';
import { createFinishSplitActivities } from './finish-split.ts';
import { createPlanSplitActivity } from './plan-split.ts';
import { createSendResultActivity } from './send-result.ts';
import { createWorkingObjectsActivity } from './working-objects.ts';

/** What the activities work with. */
export interface ActivityDependencies {
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly config: Config;
}

/** All activities of a worker. They share its budgets of bytes in flight and of range copies. */
export function createActivities({ s3, sqs, config }: ActivityDependencies) {
  return {
    ...createPlanSplitActivity({ s3, config }),
    ...createBuildBatchActivities({
      s3,
      bytes: new Budget(config.MAX_BYTES_IN_FLIGHT),
      copies: new Budget(config.MAX_PARALLEL_COPIES),
      rangeCopy: config.RANGE_COPY,
    }),
    ...createFinishSplitActivities({ s3 }),
    ...createSendResultActivity({ sqs }),
    ...createWorkingObjectsActivity({ s3 }),
  };
}

/** The activities, as workflows see them. */
export type Activities = ReturnType<typeof createActivities>;
