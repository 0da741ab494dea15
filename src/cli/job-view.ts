import type { Client } from '@temporalio/client';
import { describeRun } from './describe-run.ts';
import { NoRunError } from './exit-codes.ts';
import { itemsView } from './items-view.ts';
import type { RunProgress } from './progress-bars.ts';
import { routeView } from './route-view.ts';
import { splitView } from './split-view.ts';
import { zipView } from './zip-view.ts';

/** What people are shown of the runs of one kind of job. */
export interface JobView<Result> {
  /** How far a run is; undefined where nobody can say. */
  readProgress(client: Client, workflowId: string): Promise<RunProgress | undefined>;
  /** What a finished run has made. */
  report(result: Result): string;
}

/** A kind of job. */
export interface Job {
  /** What people call it: the command that starts it. */
  readonly name: string;
  readonly workflowType: string;
  readonly view: JobView<unknown>;
}

/** The jobs that people and queues start. */
export const JOBS: readonly Job[] = [
  job('split', 'splitArchive', splitView),
  job('zip', 'zipFiles', zipView),
  job('items', 'processItems', itemsView),
  job('route', 'routeFile', routeView),
];

/** The job of a workflow type; undefined where it is none of ours, or a part of another. */
export function jobOfType(workflowType: string): Job | undefined {
  return JOBS.find((job) => job.workflowType === workflowType);
}

/** The view of a run, whatever its job. Throws {@link NoRunError} where it is none of ours. */
export async function viewOf(client: Client, workflowId: string): Promise<JobView<unknown>> {
  const { type } = await describeRun(client, workflowId);
  const view = jobOfType(type)?.view;
  if (view) return view;
  const types = JOBS.map(({ workflowType }) => workflowType).join(', ');
  throw new NoRunError(`${workflowId} is a run of ${type}; expected one of ${types}`);
}

function job<Result>(name: string, workflowType: string, view: JobView<Result>): Job {
  return { name, workflowType, view: view as JobView<unknown> };
}
