import type { Client } from '@temporalio/client';
import { itemsView } from './items-view.ts';
import type { RunProgress } from './progress-bars.ts';
import { splitView } from './split-view.ts';
import { zipView } from './zip-view.ts';

/** What people are shown of the runs of one kind of job. */
export interface JobView<Result> {
  /** How far a run is; undefined where nobody can say. */
  readProgress(client: Client, workflowId: string): Promise<RunProgress | undefined>;
  /** What a finished run has made. */
  report(result: Result): string;
}

const VIEWS: Record<string, JobView<never>> = {
  splitArchive: splitView,
  processItems: itemsView,
  zipFiles: zipView,
};

/** The view of a run, whatever its job. Throws where it is none of ours. */
export async function viewOf(client: Client, workflowId: string): Promise<JobView<unknown>> {
  const { type } = await client.workflow.getHandle(workflowId).describe();
  const view = VIEWS[type];
  if (view) return view as JobView<unknown>;
  throw new Error(
    `${workflowId} is a run of ${type}; expected one of ${Object.keys(VIEWS).join(', ')}`,
  );
}
