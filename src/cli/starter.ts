import { Command } from 'commander';
import { runStarter } from '../starter/run.ts';

/** `sheaf starter`: a starter until SIGTERM or SIGINT, configured by its environment. */
export function command(): Command {
  return new Command()
    .description('Runs a starter until SIGTERM or SIGINT. Its settings are environment variables.')
    .action(() => runStarter(process.env));
}
