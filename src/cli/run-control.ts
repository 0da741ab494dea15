import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { Command } from 'commander';
import { pauseSignal, resumeSignal } from '../workflows/items-progress.ts';
import { connected } from './connection.ts';
import { describeRun } from './describe-run.ts';
import { NoRunError } from './exit-codes.ts';

/** `sheaf pause`: no chunk of a batch is begun any more. */
export const pause = {
  command: () =>
    control(
      'Lets a batch of items begin no more chunks; those that are under way end.',
      'paused',
      async (client, workflowId) => {
        await assertBatch(client, workflowId);
        await client.workflow.getHandle(workflowId).signal(pauseSignal);
      },
    ),
};

/** `sheaf resume`: a paused batch goes on. */
export const resume = {
  command: () =>
    control('Lets a paused batch of items go on.', 'resumed', async (client, workflowId) => {
      await assertBatch(client, workflowId);
      await client.workflow.getHandle(workflowId).signal(resumeSignal);
    }),
};

/** `sheaf cancel`: a run ends as soon as it can. */
export const cancel = {
  command: () =>
    control(
      'Cancels a run: it cleans up, tells its client, and ends. A batch of items keeps what is done; ' +
        'started again with the same --batch-id, or by sheaf retry, it goes on from there.',
      'cancellation requested',
      async (client, workflowId) => {
        const { status, runId } = await describeRun(client, workflowId);
        // Temporal takes the cancellation of a closed run, and does nothing.
        if (status.name !== 'RUNNING') throw noOpenRun(workflowId);
        await client.workflow.getHandle(workflowId, runId).cancel();
      },
    ),
};

/** A command that does something to an open run, and says that it did. */
function control(
  description: string,
  done: string,
  act: (client: Client, workflowId: string) => Promise<void>,
): Command {
  return new Command()
    .description(description)
    .argument('<workflow id>', 'id of the run, e.g. items-nightly')
    .option('--json', 'print one line of JSON')
    .action((workflowId: string, { json }: { json?: true }) =>
      connected(async ({ client }) => {
        try {
          await act(client, workflowId);
        } catch (error) {
          if (!(error instanceof WorkflowNotFoundError)) throw error;
          throw noOpenRun(workflowId, { cause: error });
        }
        console.log(json ? JSON.stringify({ workflowId, done }) : `${workflowId}: ${done}`);
      }),
    );
}

function noOpenRun(workflowId: string, options?: ErrorOptions): NoRunError {
  return new NoRunError(`There is no open run ${workflowId}`, options);
}

/** Other runs would ignore the signal without a word. */
async function assertBatch(client: Client, workflowId: string): Promise<void> {
  const { type } = await describeRun(client, workflowId);
  if (type === 'processItems') return;
  throw new NoRunError(`${workflowId} is a run of ${type}; only batches of items can be paused`);
}
