import { type ItemsJobInput, itemsSummary } from '../messages/items.ts';
import { type RouteJob, routeSummary } from '../messages/route.ts';
import type { SplitJob, SplitOptions } from '../messages/split.ts';
import { type ZipJob, zipSummary } from '../messages/zip.ts';
import type { processItems } from '../workflows/process-items.ts';
import type { routeFile } from '../workflows/route-file.ts';
import type { splitArchive } from '../workflows/split-archive.ts';
import { itemsWorkflowId, splitWorkflowId, zipWorkflowId } from '../workflows/workflow-ids.ts';
import type { zipFiles } from '../workflows/zip-files.ts';

/** A run that is to be started. */
export interface RunRequest {
  readonly workflowType: string;
  readonly workflowId: string;
  readonly args: unknown[];
  /** One line for people, in the Web UI and in lists. */
  readonly summary: string;
  /** True where a second run of the id could only be for the same cause: there must be none. */
  readonly once?: boolean;
}

/** A run that splits an archive. */
export function splitRequest(job: SplitJob, options?: SplitOptions): RunRequest {
  return {
    workflowType: 'splitArchive' satisfies (typeof splitArchive)['name'],
    workflowId: splitWorkflowId(job),
    args: options ? [job, options] : [job],
    summary: `Split s3://${job.s3Bucket}/${job.exportPath}`,
  };
}

/** A run that puts objects into an archive. @param jobId the message's id, or a given one */
export function zipRequest(jobId: string, job: ZipJob): RunRequest {
  return {
    workflowType: 'zipFiles' satisfies (typeof zipFiles)['name'],
    workflowId: zipWorkflowId(jobId),
    args: [job],
    summary: zipSummary(job),
  };
}

/** A run of a batch of items. */
export function itemsRequest(job: ItemsJobInput): RunRequest {
  return {
    workflowType: 'processItems' satisfies (typeof processItems)['name'],
    workflowId: itemsWorkflowId(job.batchId),
    args: [job],
    summary: itemsSummary(job),
  };
}

/** A run that routes a file. @param workflowId see `routeWorkflowId` */
export function routeRequest(workflowId: string, job: RouteJob): RunRequest {
  return {
    workflowType: 'routeFile' satisfies (typeof routeFile)['name'],
    workflowId,
    args: [job],
    summary: routeSummary(job),
  };
}
