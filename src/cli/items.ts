import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import { itemsRequest } from '../runs/request.ts';
import { connected } from './connection.ts';
import { addItemsOptions, type ItemsOptions, itemsJobOf } from './items-options.ts';
import { itemsView } from './items-view.ts';
import { showRun, startOrJoin } from './start-run.ts';

interface Options extends ItemsOptions {
  readonly batchId?: string;
  readonly watch?: true;
  readonly json?: true;
}

/** `sheaf items`: processes a batch of items. */
export function command(): Command {
  const command = new Command().description(
    'Starts a batch of items, made up or from a file in S3, and prints the id of its run. The id of ' +
      'a batch whose last run was cancelled or failed goes on from what is done.',
  );
  return addItemsOptions(command)
    .option('--batch-id <id>', 'id of the batch (default: a new one)')
    .option('--watch', 'follow the run until it ends, and print its result')
    .option('--json', 'print one line of JSON')
    .action(items);
}

async function items(options: Options): Promise<void> {
  const { batchId = randomUUID(), watch = false, json } = options;
  const job = itemsJobOf(batchId, options);
  const request = itemsRequest(job);
  await connected(async (to) => {
    await startOrJoin(to.client, request);
    const run = { wait: watch, ...(json && { json }) };
    await showRun(to, request.workflowId, itemsView, run);
  });
}
