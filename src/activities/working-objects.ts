import type { S3Client } from '@aws-sdk/client-s3';
import { deletePrefix } from '../storage/objects.ts';
import { heartbeating } from './heartbeat.ts';

/** The run whose working objects are meant, and the bucket that they lie in. */
export interface WorkingObjects {
  readonly bucket: string;
  readonly workflowId: string;
}

/** Where a run keeps what it needs only while it is open. */
export function workingPrefix(workflowId: string): string {
  return `sheaf/${workflowId}/`;
}

/** The activity that clears up behind a run. */
export function createWorkingObjectsActivity({ s3 }: { readonly s3: S3Client }) {
  return {
    /** Deletes the working objects of a run. */
    async removeWorkingObjects({ bucket, workflowId }: WorkingObjects): Promise<void> {
      return heartbeating(({ signal }) =>
        deletePrefix(s3, bucket, workingPrefix(workflowId), signal),
      );
    },
  };
}
