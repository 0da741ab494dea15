import type { S3Client } from '@aws-sdk/client-s3';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { BufferPool } from '../archive/buffer-pool.ts';
import type { Config } from '../config.ts';
import type { Processors } from '../processors/load.ts';
import type { RouteRule } from '../routing/rules.ts';
import { Budget } from '../storage/budget.ts';
import { createBuildBatchActivities } from './build-batch.ts';
import { createBuildZipActivities } from './build-zip.ts';
import { createDeflateGroupActivity } from './deflate-group.ts';
import { createFinishItemsActivities } from './finish-items.ts';
import { createFinishSplitActivities } from './finish-split.ts';
import { createFinishZipActivities } from './finish-zip.ts';
import { createInspectArchiveActivity } from './inspect-archive.ts';
import { createInspectFilesActivity } from './inspect-files.ts';
import { createPlanItemsActivity } from './plan-items.ts';
import { createPlanSplitActivity } from './plan-split.ts';
import { createPlanZipActivity } from './plan-zip.ts';
import { createProcessChunkActivity } from './process-chunk.ts';
import { createRouteFileActivities } from './route-file.ts';
import { createSendResultActivity } from './send-result.ts';
import { createServeLimitedActivity, type ServeLimited } from './serve-limited.ts';
import { createUnpackArchiveActivities } from './unpack-archive.ts';
import { createWorkingObjectsActivity } from './working-objects.ts';
import { createWorkspaceActivities, type LocalDisk } from './workspace.ts';

/** What the activities work with. */
export interface ActivityDependencies {
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly config: Config;
  readonly processors: Processors;
  /** What files are routed by. */
  readonly rules: readonly RouteRule[];
  /** Bytes that the process may hold in buffers. */
  readonly bytes: Budget;
  readonly serve: ServeLimited;
  /** The worker's own disk, with WORKSPACE=disk. */
  readonly disk?: LocalDisk | undefined;
}

/** All activities of a worker. They share its budgets of bytes in flight, of archives that are unpacked and of range copies. */
export function createActivities(dependencies: ActivityDependencies) {
  const { s3, sqs, config, processors, rules, bytes, serve, disk } = dependencies;
  const unpacks = new Budget(config.MAX_PARALLEL_UNPACKS);
  const building = {
    s3,
    bytes,
    copies: new Budget(config.MAX_PARALLEL_COPIES),
    pool: new BufferPool(bytes.limit / 2),
    rangeCopy: config.RANGE_COPY,
  };
  return {
    ...createInspectArchiveActivity({ s3, config }),
    ...createUnpackArchiveActivities({ s3, unpacks, config }),
    ...createWorkspaceActivities({ s3, bytes, unpacks, config, disk }),
    ...createPlanSplitActivity({ s3, config }),
    ...createBuildBatchActivities(building),
    ...createFinishSplitActivities({ s3 }),
    ...createInspectFilesActivity({ s3, config }),
    ...createDeflateGroupActivity({ s3, bytes }),
    ...createPlanZipActivity({ s3, config }),
    ...createBuildZipActivities({ ...building, reads: new Budget(config.MAX_PARALLEL_READS) }),
    ...createFinishZipActivities({ s3, sqs, config }),
    ...createPlanItemsActivity({ s3, config, processors }),
    ...createProcessChunkActivity({ s3, config, processors }),
    ...createFinishItemsActivities({ s3, bytes }),
    ...createServeLimitedActivity({ serve }),
    ...createRouteFileActivities({ s3, sqs, config, processors, rules }),
    ...createSendResultActivity({ sqs }),
    ...createWorkingObjectsActivity({ s3, config }),
  };
}

/** The activities, as workflows see them. */
export type Activities = ReturnType<typeof createActivities>;
