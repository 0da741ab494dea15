import { Command, InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import type { StackEndpoints } from '../local/endpoints.ts';
import { dataDir } from '../local/paths.ts';
import type { StackPorts } from '../local/ports.ts';
import { aborted, stopRequests } from './stop-requests.ts';
import { startSystem } from './system.ts';

interface Options {
  temporalPort?: number;
  uiPort?: number;
  s3Port?: number;
  sqsPort?: number;
  worker: boolean;
  workers: number;
  json?: true;
}

/** `sheaf up`: the embedded stack with workers and a starter, until SIGINT or SIGTERM. */
export function command(): Command {
  return new Command()
    .description(
      'Runs a Temporal, an S3 and an SQS server on this machine, with worker and starter, until ' +
        'Ctrl-C. Data is kept in .sheaf/ (SHEAF_DATA_DIR for another place) between runs. ' +
        'Settings such as BATCH_SIZE reach worker and starter through the environment.',
    )
    .option('--temporal-port <port>', 'port of the Temporal server (default: a free one)', port)
    .option('--ui-port <port>', 'port of its Web UI (default: a free one)', port)
    .option('--s3-port <port>', 'port of the S3 server (default: a free one)', port)
    .option('--sqs-port <port>', 'port of the SQS server (default: a free one)', port)
    .option('--no-worker', 'start the servers alone')
    .option('--workers <count>', 'number of workers', count, 1)
    .option('--json', 'print one line of JSON on stdout when all is ready, and nothing else')
    .action(up);
}

async function up(options: Options): Promise<void> {
  const startedAt = Date.now();
  const dir = dataDir(process.env);
  const stop = stopRequests();
  const system = await startSystem({
    dataDir: dir,
    ports: portsOf(options),
    env: options.json || !process.stderr.isTTY ? process.env : { DEV_MODE: '1', ...process.env },
    workers: options.worker ? options.workers : 0,
    report: console.error,
    warn: (line) => console.error(`sheaf: ${line}`),
    signal: stop.first,
  }).catch((error) => {
    if (!stop.first.aborted) throw error;
  });
  if (!system) return;

  const { endpoints } = system.stack;
  if (options.json) console.log(JSON.stringify({ ready: true, ...endpoints }));
  else console.log(summary(endpoints, { dir, ms: Date.now() - startedAt, ...options }));

  await aborted(stop.first);
  if (!options.json) console.log('Stopping; once more to stop at once');
  stop.second.addEventListener('abort', () => void system.kill());
  await system.stop();
}

function portsOf({ temporalPort, uiPort, s3Port, sqsPort }: Options): Partial<StackPorts> {
  return {
    ...(temporalPort && { temporal: temporalPort }),
    ...(uiPort && { temporalUi: uiPort }),
    ...(s3Port && { s3: s3Port }),
    ...(sqsPort && { sqs: sqsPort }),
  };
}

function summary(
  { temporal, s3, sqs, queues, buckets }: StackEndpoints,
  { dir, ms, worker, workers }: Options & { dir: string; ms: number },
): string {
  const processes = worker ? `${workers} worker${workers === 1 ? '' : 's'}, 1 starter` : 'none';
  const rows: [string, string][] = [
    ['Web UI', pc.cyan(temporal.ui)],
    ['Temporal', `${temporal.address}, namespace ${temporal.namespace}`],
    ['S3', `${s3.endpoint}, key ${s3.accessKeyId}, secret ${s3.secretAccessKey}`],
    ['  buckets', buckets.join(', ')],
    ['SQS', sqs.endpoint],
    ...Object.entries(queues).map(([name, url]): [string, string] => [`  ${name}`, url]),
    ['Workers', processes],
    ['Data', dir],
  ];
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  return [
    `${pc.bold('sheaf is up')} ${pc.dim(`after ${(ms / 1000).toFixed(1)} s`)}`,
    '',
    ...rows.map(([name, value]) => `  ${pc.dim(name.padEnd(width))}${value}`),
    '',
    'Ctrl-C to stop',
  ].join('\n');
}

function port(text: string): number {
  return wholeNumber(text, 1, 65_535);
}

function count(text: string): number {
  return wholeNumber(text, 1, 64);
}

function wholeNumber(text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
}
