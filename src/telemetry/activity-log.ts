import type { Context } from '@temporalio/activity';
import type { ActivityInterceptors } from '@temporalio/worker';
import { jobIdOf, jobOf } from './jobs.ts';

/** Names under which activities and workflows are given what an object is. */
interface Named {
  readonly bucket?: unknown;
  readonly key?: unknown;
  readonly s3Bucket?: unknown;
  readonly exportPath?: unknown;
  readonly downloadId?: unknown;
  readonly batchId?: unknown;
}

/** What a log line says of a job, beside the ids that Temporal's SDK puts there. */
export interface JobFields {
  readonly job?: string | undefined;
  readonly jobId?: string | undefined;
  readonly bucket?: string | undefined;
  readonly key?: string | undefined;
}

/** An interceptor of activities: their log lines say which job and which object they are about. */
export function activityLogFields({ info }: Context): ActivityInterceptors {
  let fields: JobFields = {
    job: info.workflowType && jobOf(info.workflowType),
    jobId: jobIdOf(info.workflowExecution?.workflowId ?? ''),
  };
  return {
    inbound: {
      execute(input, next) {
        fields = { ...fields, ...fieldsOf(input.args[0]) };
        return next(input);
      },
    },
    outbound: {
      getLogAttributes: (input, next) => next({ ...input, ...fields }),
    },
  };
}

/** What an activity's order says of its job: itself, or the objects in it. */
function fieldsOf(order: unknown): JobFields {
  if (!isNamed(order)) return {};
  const all = [order, ...Object.values(order).filter(isNamed)];
  const located = all.find(({ bucket, key }) => isText(bucket) && isText(key));
  const exported = all.find(({ s3Bucket, exportPath }) => isText(s3Bucket) && isText(exportPath));
  const jobId = all.map(({ downloadId, batchId }) => downloadId ?? batchId).find(isId);
  return {
    ...(jobId !== undefined && { jobId: String(jobId) }),
    ...(exported
      ? { bucket: exported.s3Bucket as string, key: exported.exportPath as string }
      : located && { bucket: located.bucket as string, key: located.key as string }),
  };
}

function isNamed(value: unknown): value is Named {
  return typeof value === 'object' && value !== null;
}

function isId(value: unknown): value is string | number {
  return isText(value) || typeof value === 'number';
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
