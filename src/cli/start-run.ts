import { type Client, WorkflowIdConflictPolicy } from '@temporalio/client';
import { loadConfig } from '../config.ts';
import type { RunRequest } from '../runs/request.ts';
import { type Connected, runLink } from './connection.ts';
import { followRun } from './follow-run.ts';
import type { JobView } from './job-view.ts';

/** Whether a run is followed, and for whom its result is printed. */
export interface RunOptions {
  /** Otherwise its id is printed, and that is all. */
  readonly wait: boolean;
  readonly json?: true;
}

/** Starts a run, or joins the open one of its id. */
export async function startOrJoin(client: Client, request: RunRequest): Promise<void> {
  const { workflowType, workflowId, args, summary } = request;
  await client.workflow.start(workflowType, {
    workflowId,
    taskQueue: loadConfig(process.env).TASK_QUEUE,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    staticSummary: summary,
    memo: { summary },
    args,
  });
}

/**
 * Says which run there is, then follows it and prints its result: for people, or as a line of JSON.
 *
 * @param describe what is printed of the result; by default what the view reports, or the result itself
 */
export async function showRun<Result>(
  { client, ui }: Connected,
  workflowId: string,
  view: JobView<Result>,
  { wait, json }: RunOptions,
  describe: (result: Result) => unknown = (result) => (json ? result : view.report(result)),
): Promise<void> {
  if (!wait) {
    console.log(json ? JSON.stringify({ workflowId }) : workflowId);
    return;
  }
  const link = runLink(ui, workflowId);
  if (!json) console.error(link ? `  ${workflowId}\n  ${link}` : `  ${workflowId}`);
  const result = await describe(await followRun(client, workflowId, view));
  console.log(json ? JSON.stringify(result) : result);
}
