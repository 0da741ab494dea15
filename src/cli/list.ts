import type { Client } from '@temporalio/client';
import { Command, InvalidArgumentError, Option } from 'commander';
import pc from 'picocolors';
import { connected } from './connection.ts';
import { JOBS } from './job-view.ts';
import { durationOf, factsOf, formatTime, type RunFacts } from './run-facts.ts';

interface Options {
  readonly failed?: true;
  readonly running?: true;
  readonly job?: string;
  readonly limit: number;
  readonly json?: true;
}

/** `sheaf list`: the runs that there are, the newest first. */
export function command(): Command {
  return new Command()
    .description(
      'Lists runs, open ones first, then those that closed last; child runs are left out. Temporal ' +
        "keeps closed runs for the namespace's retention time.",
    )
    .addOption(
      new Option('--failed', 'those that failed, timed out or were terminated, and why').conflicts(
        'running',
      ),
    )
    .option('--running', 'those that are open')
    .addOption(new Option('--job <job>', 'those of one kind').choices(JOBS.map(({ name }) => name)))
    .option('--limit <n>', 'so many at most', count, 20)
    .option('--json', 'print an array in one line of JSON')
    .action(list);
}

async function list(options: Options): Promise<void> {
  await connected(async ({ client }) => {
    const runs = await readRuns(client, options);
    if (options.json) console.log(JSON.stringify(runs));
    else if (runs.length === 0) console.log('  no such runs');
    else for (const run of runs) console.log(describe(run));
  });
}

async function readRuns(client: Client, { limit, ...wanted }: Options): Promise<RunFacts[]> {
  const runs: RunFacts[] = [];
  for await (const info of client.workflow.list({ query: queryOf(wanted), pageSize: limit })) {
    runs.push(await factsOf(client, info));
    if (runs.length === limit) break;
  }
  return runs;
}

/** Temporal's list filter. Source of the syntax: Temporal, "List Filters". */
function queryOf({ failed, running, job }: Omit<Options, 'limit'>): string {
  const types = JOBS.filter(({ name }) => !job || name === job).map(({ workflowType }) =>
    quoted(workflowType),
  );
  const statuses = failed ? ['Failed', 'TimedOut', 'Terminated'] : running ? ['Running'] : [];
  return [
    `WorkflowType IN (${types.join(', ')})`,
    // A split that is a part of a routed file is that one's to show.
    'ParentWorkflowId IS NULL',
    ...(statuses.length > 0 ? [`ExecutionStatus IN (${statuses.map(quoted).join(', ')})`] : []),
  ].join(' AND ');
}

function quoted(value: string): string {
  return `"${value}"`;
}

const COLOURS: Record<string, (text: string) => string> = {
  running: pc.cyan,
  completed: pc.green,
  cancelled: pc.yellow,
};

/** A run in two lines, three where it failed. */
function describe(run: RunFacts): string {
  const { workflowId, status, startTime, closeTime, summary, error } = run;
  const colour = COLOURS[status] ?? pc.red;
  const times = `${formatTime(startTime)}, ${closeTime ? 'took' : 'for'} ${durationOf(run)}`;
  return [
    `  ${colour(status.padEnd(10))}  ${workflowId}`,
    `  ${' '.repeat(10)}  ${pc.dim([times, summary].filter(Boolean).join('  '))}`,
    ...(error === undefined ? [] : error.split('\n').map((line) => `  ${' '.repeat(10)}  ${line}`)),
  ].join('\n');
}

function count(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= 1000) return value;
  throw new InvalidArgumentError('Expected a whole number from 1 to 1000.');
}
