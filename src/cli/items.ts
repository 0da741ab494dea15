import { randomUUID } from 'node:crypto';
import { WorkflowIdConflictPolicy } from '@temporalio/client';
import { Command } from 'commander';
import { loadConfig } from '../config.ts';
import { itemsSummary } from '../messages/items.ts';
import type { processItems } from '../workflows/process-items.ts';
import { itemsWorkflowId } from '../workflows/workflow-ids.ts';
import { connect, runLink } from './connection.ts';
import { followRun } from './follow-run.ts';
import { addItemsOptions, type ItemsOptions, itemsJobOf } from './items-options.ts';
import { itemsView } from './items-view.ts';

interface Options extends ItemsOptions {
  readonly batchId?: string;
  readonly watch?: true;
  readonly json?: true;
}

/** `sheaf items`: processes a batch of items. */
export function command(): Command {
  const command = new Command().description(
    'Starts a batch of items, made up or from a file in S3, and prints the id of its run. The id of\n' +
      'a batch whose last run was cancelled or failed goes on from what is done.',
  );
  return addItemsOptions(command)
    .option('--batch-id <id>', 'id of the batch (default: a new one)')
    .option('--watch', 'follow the run until it ends, and print its result')
    .option('--json', 'print one line of JSON')
    .action(items);
}

async function items(options: Options): Promise<void> {
  const { batchId = randomUUID(), watch, json } = options;
  const job = itemsJobOf(batchId, options);
  const { client, ui } = await connect();
  try {
    const { workflowId } = await client.workflow.start<typeof processItems>('processItems', {
      workflowId: itemsWorkflowId(batchId),
      taskQueue: loadConfig(process.env).TASK_QUEUE,
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
      staticSummary: itemsSummary(job),
      args: [job],
    });
    if (!watch) {
      console.log(json ? JSON.stringify({ workflowId }) : workflowId);
      return;
    }
    const link = runLink(ui, workflowId);
    if (!json) console.error(link ? `  ${workflowId}\n  ${link}` : `  ${workflowId}`);
    const result = await followRun(client, workflowId, itemsView);
    console.log(json ? JSON.stringify(result) : itemsView.report(result));
  } finally {
    await client.connection.close();
  }
}
