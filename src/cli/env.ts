import { Command } from 'commander';
import { stackEnvironment } from '../local/endpoints.ts';
import { dataDir } from '../local/paths.ts';
import { findRunningStack } from '../local/running.ts';
import { shellQuoted } from './format.ts';

/** `sheaf env`: what `eval` and direnv need to use the running embedded stack. */
export function command(): Command {
  return new Command()
    .description(
      'Prints the settings of the embedded stack that runs on .sheaf/ (SHEAF_DATA_DIR for another ' +
        'place) for a POSIX shell, so that the aws and temporal command lines use it too: ' +
        'eval "$(npx sheaf env)"',
    )
    .action(() => printEnvironment(process.env));
}

async function printEnvironment(env: NodeJS.ProcessEnv): Promise<void> {
  const dir = dataDir(env);
  const stack = await findRunningStack(dir);
  if (!stack) {
    throw new Error(
      `no stack is up on ${dir}: start one with npx sheaf up, or name its data folder with SHEAF_DATA_DIR`,
    );
  }
  const settings = {
    ...stackEnvironment(stack),
    // boto3 and version 1 of the aws command line read the region from this name only.
    AWS_DEFAULT_REGION: stack.s3.region,
  };
  for (const [name, value] of Object.entries(settings)) {
    console.log(`export ${name}=${shellQuoted(value)}`);
  }
}
