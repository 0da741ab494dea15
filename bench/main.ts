import { Command } from 'commander';
import { command as cost } from './cost.ts';
import { command as inflate } from './inflate.ts';
import { command as items } from './items.ts';
import { command as scale } from './scale.ts';
import { command as split } from './split.ts';
import { command as zip } from './zip.ts';

const program = new Command('bench')
  .description('Measures sheaf against other ways to do its jobs, on this machine.')
  .showHelpAfterError('(see --help)')
  .addCommand(split())
  .addCommand(zip())
  .addCommand(items())
  .addCommand(cost())
  .addCommand(scale())
  .addCommand(inflate());

try {
  await program.parseAsync();
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : error}`);
  if (process.env.APP_DEBUG === '1') console.error(error);
  process.exitCode = 1;
}
