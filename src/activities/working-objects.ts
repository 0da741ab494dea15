import type { S3Client } from '@aws-sdk/client-s3';
import { Context, log } from '@temporalio/activity';
import type { Config } from '../config.ts';
import { WORKING_FOLDER } from '../messages/folders.ts';
import { isAccessDenied } from '../storage/errors.ts';
import { deletePrefix } from '../storage/objects.ts';
import { heartbeating } from './heartbeat.ts';

/** The run whose working objects are meant. */
export interface WorkingObjects {
  /** The bucket that they lie in; by default the one that archives go to. */
  readonly bucket?: string;
  readonly workflowId: string;
}

/** The run that an activity belongs to. */
export function currentRun(): { readonly workflowId: string; readonly runId: string } {
  const run = Context.current().info.workflowExecution;
  if (!run) throw new Error('Expected an activity of a workflow run');
  return run;
}

/** Where a run keeps what it needs only while it is open. */
export function workingPrefix(workflowId: string): string {
  return `${WORKING_FOLDER}${workflowId}/`;
}

/** The activity that clears up behind a run. */
export function createWorkingObjectsActivity(dependencies: {
  readonly s3: S3Client;
  readonly config: Pick<Config, 'S3_DESTINATION_BUCKET'>;
}) {
  const { s3, config } = dependencies;
  return {
    /**
     * Deletes the working objects of a run. Where S3 doesn't allow it, they are left to the bucket's
     * lifecycle rule: the job itself is done and told.
     */
    async removeWorkingObjects({
      bucket = config.S3_DESTINATION_BUCKET,
      workflowId,
    }: WorkingObjects): Promise<void> {
      return heartbeating(async ({ signal }) => {
        // Without a bucket to put them in, there are none.
        if (!bucket) return;
        const prefix = workingPrefix(workflowId);
        try {
          await deletePrefix(s3, bucket, prefix, signal);
        } catch (error) {
          if (!isAccessDenied(error)) throw error;
          log.warn('S3 denies removing working objects; a lifecycle rule has to', {
            bucket,
            prefix,
          });
        }
      });
    },
  };
}
