import { Command } from 'commander';
import { runWorker } from '../worker/run.ts';

/** `sheaf worker`: a worker until SIGTERM or SIGINT, configured by its environment. */
export function command(): Command {
  return new Command()
    .description('Runs a worker until SIGTERM or SIGINT. Its settings are environment variables.')
    .action(async () => {
      await runWorker(process.env);
      // Work that has not ended in time would keep the process alive.
      process.exit();
    });
}
