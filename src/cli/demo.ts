import { Command, InvalidArgumentError, Option } from 'commander';
import pc from 'picocolors';
import { SAMPLE_FORMATS } from '../local/sample-export.ts';
import { DEMO_DEFAULTS, type DemoOptions, runDemo } from './demo-run.ts';

/** `sheaf demo`: the main job, from an SQS message to checked batch zips, on the embedded stack. */
export function command(): Command {
  return new Command()
    .description(
      'Starts the embedded stack, makes a sample export, sends its trigger message, follows the ' +
        'run, and checks the batch zips and the result message. Ends by itself.',
    )
    .option('--rows <count>', 'rows of the manifest, and images', count, DEMO_DEFAULTS.rows)
    .option('--image-bytes <bytes>', 'size of one image', count, DEMO_DEFAULTS.imageBytes)
    .option('--batch-size <rows>', 'rows a batch zip', count, DEMO_DEFAULTS.batchSize)
    .option('--seed <number>', 'another seed makes another export', count, DEMO_DEFAULTS.seed)
    .addOption(
      new Option('--format <format>', 'what the export is')
        .choices(SAMPLE_FORMATS)
        .default(DEMO_DEFAULTS.format),
    )
    .option('--keep', 'leave the stack up at the end, until Ctrl-C')
    .action(demo);
}

async function demo(options: DemoOptions): Promise<void> {
  await runDemo(options, {
    step: (name) => console.error(`${pc.cyan('▸')} ${name}`),
    note: (line) => console.error(`  ${pc.dim(line)}`),
    print: (text) => console.log(text),
  });
}

function count(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError('Expected a whole number from 1 up.');
}
