import { Command } from 'commander';
import { connected, runLink } from './connection.ts';
import { followRun } from './follow-run.ts';
import { viewOf } from './job-view.ts';

/** `sheaf watch`: follows a run until it ends. */
export function command(): Command {
  return new Command()
    .description('Follows a run until it ends, with bars, and prints what it made.')
    .argument('<workflow id>', 'id of the run, e.g. split-4711-export.zip')
    .option('--json', "print the run's result as one line of JSON")
    .action(watch);
}

async function watch(workflowId: string, { json }: { json?: true }): Promise<void> {
  await connected(async ({ client, ui }) => {
    const view = await viewOf(client, workflowId);
    const link = runLink(ui, workflowId);
    if (link && !json) console.error(`  ${link}`);
    const result = await followRun(client, workflowId, view);
    console.log(json ? JSON.stringify(result) : view.report(result));
  });
}
