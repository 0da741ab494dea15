import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionDescription,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
} from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { Command } from 'commander';
import { SCHEDULE } from '../workflows/workflow-ids.ts';
import { connected } from './connection.ts';
import { describeRun } from './describe-run.ts';
import { NoRunError } from './exit-codes.ts';
import { shellWord } from './format.ts';
import { isRetryable, jobOfRun } from './run-facts.ts';
import { showRun } from './start-run.ts';

interface Options {
  readonly watch?: true;
  readonly json?: true;
}

/** `sheaf retry`: runs a job again that has closed without a result. */
export function command(): Command {
  return new Command()
    .description(
      'Runs a job again that failed, was cancelled or terminated, or timed out: with its own input and ' +
        'id, on its task queue. What is done is kept, and not done again. Prints the id.',
    )
    .argument('<workflow id>', 'id of the run, e.g. split-4711-export.zip')
    .option('--watch', 'follow the run until it ends, and print its result')
    .option('--json', 'print one line of JSON')
    .action(retry);
}

async function retry(workflowId: string, { watch, json }: Options): Promise<void> {
  await connected(async (to) => {
    const description = await describeRun(to.client, workflowId);
    const { view } = jobOfRun(description);
    assertRetryable(description);
    await startAgain(to.client, description);
    await showRun(to, workflowId, view, { wait: Boolean(watch), ...(json && { json }) });
  });
}

function assertRetryable(description: WorkflowExecutionDescription): void {
  if (isRetryable(description)) return;
  const { workflowId, status } = description;
  throw new NoRunError(
    status.name === 'RUNNING'
      ? `${workflowId} is still running; npx sheaf cancel ${shellWord(workflowId)} would end it`
      : `${workflowId} has completed; there is nothing to retry`,
  );
}

/** Starts a run as the last one of its id was, with its memo: messages that it answered stay answered. */
async function startAgain(client: Client, last: WorkflowExecutionDescription): Promise<void> {
  const { workflowId, runId, type, taskQueue, memo } = last;
  const summary = await last.staticSummary();
  // The run of a schedule is a batch of its own; that is how it knows.
  const schedule = last.typedSearchAttributes.get(SCHEDULE);
  try {
    await client.workflow.start(type, {
      workflowId,
      taskQueue,
      args: await readInput(client, workflowId, runId),
      memo: startMemo(memo),
      ...(summary && { staticSummary: summary }),
      ...(schedule && { typedSearchAttributes: [{ key: SCHEDULE, value: schedule }] }),
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw new NoRunError(`Somebody else has started ${workflowId} again`, { cause: error });
  }
}

/** The arguments that a run was started with: they are in the first event of its history. */
async function readInput(client: Client, workflowId: string, runId: string): Promise<unknown[]> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution: { workflowId, runId },
    maximumPageSize: 1,
  });
  const started = history?.events?.[0]?.workflowExecutionStartedEventAttributes;
  return (started?.input?.payloads ?? []).map((payload) =>
    defaultPayloadConverter.fromPayload(payload),
  );
}

/** What a run was told by memo, without what it has written there itself. */
function startMemo({ messageIds, summary }: Record<string, unknown> = {}) {
  return {
    ...(messageIds !== undefined && { messageIds }),
    ...(summary !== undefined && { summary }),
  };
}
