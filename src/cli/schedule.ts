import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Client,
  isGrpcServiceError,
  ScheduleAlreadyRunning,
  type ScheduleHandle,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
} from '@temporalio/client';
import type { Duration } from '@temporalio/common';
import { Command } from 'commander';
import { loadConfig } from '../config.ts';
import { itemsSummary } from '../messages/items.ts';
import type { processItems } from '../workflows/process-items.ts';
import { itemsWorkflowId } from '../workflows/workflow-ids.ts';
import { connected } from './connection.ts';
import { NoRunError, UsageError } from './exit-codes.ts';
import { formatTable } from './format.ts';
import { addItemsOptions, type ItemsOptions, itemsJobOf } from './items-options.ts';

/** gRPC's code for what the server can't make a schedule of. */
const INVALID_ARGUMENT = 3;

/** Four times a day. */
const DEFAULT_CRON = '0 0,6,12,18 * * *';

/** A run that was missed because Temporal was down is made up for, if it is not later than this. */
const DEFAULT_CATCH_UP = '1 hour';

interface CreateOptions extends ItemsOptions {
  readonly cron: string;
  readonly timeZone: string;
  readonly catchUp: string;
  readonly paused?: true;
}

/** `sheaf schedule`: batches of items at fixed times, by Temporal's own schedules. */
export function command(): Command {
  const schedule = new Command().description(
    'Processes a batch of items at fixed times. Each run is a batch of its own, called after the ' +
      'schedule and the time. While one is open, the next is skipped.',
  );
  addItemsOptions(schedule.command('create'))
    .summary('make a schedule')
    .description('Makes a schedule of runs of a batch of items.')
    .argument('<schedule id>')
    .option('--cron <expression>', 'when', DEFAULT_CRON)
    .option('--time-zone <name>', 'whose clock that is', 'UTC')
    .option(
      '--catch-up <duration>',
      'how late a run may be that was missed while Temporal was down',
      DEFAULT_CATCH_UP,
    )
    .option('--paused', 'begin paused')
    .action(create);
  schedule
    .command('list')
    .summary('list the schedules')
    .description('Lists the schedules of batches of items, with their next and their last run.')
    .option('--json', 'print one line of JSON a schedule')
    .action(list);
  schedule
    .command('pause')
    .summary('let a schedule start nothing')
    .description('Lets a schedule start nothing until it is resumed. Runs that are open go on.')
    .argument('<schedule id>')
    .option('--note <text>', 'why', 'Paused with sheaf schedule pause')
    .action((id: string, { note }: { note: string }) =>
      change(id, 'paused', (handle) => handle.pause(note)),
    );
  schedule
    .command('resume')
    .summary('let a paused schedule go on')
    .description('Lets a paused schedule go on.')
    .argument('<schedule id>')
    .action((id: string) =>
      change(id, 'resumed', (handle) => handle.unpause('Resumed with sheaf schedule resume')),
    );
  schedule
    .command('run')
    .summary('start a run now')
    .description('Starts a run now, paused or not, and prints its id; not while one is open.')
    .argument('<schedule id>')
    .action(run);
  schedule
    .command('delete')
    .summary('delete a schedule')
    .description('Deletes a schedule. Runs that are open go on.')
    .argument('<schedule id>')
    .action((id: string) => change(id, 'deleted', (handle) => handle.delete()));
  return schedule;
}

async function create(scheduleId: string, options: CreateOptions): Promise<void> {
  const { cron, timeZone, catchUp, paused = false } = options;
  const job = itemsJobOf(scheduleId, options);
  await withClient(async (client) => {
    const handle = await client.schedule
      .create<typeof processItems>({
        scheduleId,
        spec: { cronExpressions: [cron], timezone: timeZone },
        action: {
          type: 'startWorkflow',
          workflowType: 'processItems',
          // Temporal appends the time.
          workflowId: itemsWorkflowId(scheduleId),
          taskQueue: loadConfig(process.env).TASK_QUEUE,
          staticSummary: itemsSummary(job),
          memo: { summary: itemsSummary(job) },
          args: [job],
        },
        policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: catchUp as Duration },
        state: { paused },
      })
      .catch((error) => {
        if (isGrpcServiceError(error.cause) && error.cause.code !== INVALID_ARGUMENT) throw error;
        if (!(error instanceof ScheduleAlreadyRunning)) {
          const times = `--cron "${cron}", --time-zone ${timeZone}, --catch-up "${catchUp}"`;
          throw new UsageError(`No schedule was made of ${times}: ${reasonOf(error)}`, {
            cause: error,
          });
        }
        throw new NoRunError(
          `There is a schedule ${scheduleId} already; delete it first, or choose another name`,
          { cause: error },
        );
      });
    const { info } = await handle.describe();
    console.log(`${scheduleId} made; its next runs:`);
    for (const time of info.nextActionTimes.slice(0, 4)) console.log(`  ${time.toISOString()}`);
  });
}

async function list({ json }: { json?: true }): Promise<void> {
  await withClient(async (client) => {
    const rows: string[][] = [];
    for await (const { scheduleId, action, state, info } of client.schedule.list()) {
      if (action?.workflowType !== 'processItems') continue;
      const row = {
        scheduleId,
        paused: state.paused,
        note: state.note,
        nextRun: info.nextActionTimes[0]?.toISOString(),
        lastRun: info.recentActions.at(-1)?.action.workflow.workflowId,
      };
      if (json) console.log(JSON.stringify(row));
      else {
        const next = state.paused ? `paused: ${state.note}` : `next ${row.nextRun ?? 'none'}`;
        rows.push([scheduleId, next, row.lastRun ? `last ${row.lastRun}` : 'no run yet']);
      }
    }
    if (json) return;
    console.log(
      rows.length > 0 ? formatTable(rows) : '  no schedules; sheaf schedule create makes one',
    );
  });
}

/** How long a schedule takes to act on a request, at most (ms), and how often it is looked whether it has. */
const ACT_TIMEOUT_MS = 10_000;
const LOOK_INTERVAL_MS = 200;

async function run(scheduleId: string): Promise<void> {
  await change(scheduleId, undefined, async (handle) => {
    const before = (await handle.describe()).info;
    // Else the server would start it beside an open one, whatever the schedule says.
    await handle.trigger(ScheduleOverlapPolicy.SKIP);
    const deadline = Date.now() + ACT_TIMEOUT_MS;
    for (;;) {
      const { info } = await handle.describe();
      if (info.numActionsSkippedOverlap > before.numActionsSkippedOverlap) {
        const open = info.runningActions.map(({ workflow }) => workflow.workflowId).join(', ');
        throw new NoRunError(`${open} is still open; nothing was started`);
      }
      if (info.numActionsTaken > before.numActionsTaken) {
        console.log(info.recentActions.at(-1)?.action.workflow.workflowId);
        return;
      }
      if (Date.now() > deadline) {
        throw new Error(`${scheduleId} has not started a run yet; sheaf schedule list tells`);
      }
      await sleep(LOOK_INTERVAL_MS);
    }
  });
}

/** Does something to a schedule, and says that it did. */
async function change(
  scheduleId: string,
  done: string | undefined,
  act: (handle: ScheduleHandle) => Promise<void>,
): Promise<void> {
  await withClient(async (client) => {
    try {
      await act(client.schedule.getHandle(scheduleId));
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
      throw new NoRunError(`There is no schedule ${scheduleId}; sheaf schedule list names them`, {
        cause: error,
      });
    }
    if (done) console.log(`${scheduleId} ${done}`);
  });
}

/** What the server, or the SDK, says is wrong. */
function reasonOf(error: Error): string {
  return isGrpcServiceError(error.cause) ? error.cause.details : error.message;
}

function withClient(work: (client: Client) => Promise<void>): Promise<void> {
  return connected(({ client }) => work(client));
}
