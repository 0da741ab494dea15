import { availableParallelism } from 'node:os';
import { Command, Option } from 'commander';
import { formatCount } from '../src/cli/format.ts';
import { stopRequests } from '../src/cli/stop-requests.ts';
import { type Arena, inArena } from './contest/arena.ts';
import { count, counts } from './contest/options.ts';
import { SHEAF_MAIN } from './contest/sheaf.ts';
import { type PublishOptions, publish } from './report/publish.ts';
import { measureDrain } from './scale/drain.ts';
import { KINDS } from './scale/kinds.ts';
import { measureStarters } from './scale/starters.ts';
import {
  disturbances,
  durationOf,
  explainGrowth,
  processorColumns,
  rateOf,
  type Step,
  stepsTable,
  type Unit,
} from './scale/tables.ts';
import { measureWorkers } from './scale/workers.ts';

/** Disk that the servers' data take at most (bytes). */
const DISK_BYTES = 6e9;

const PARTS = ['splits', 'waits', 'starters', 'drain'] as const;

type Part = (typeof PARTS)[number];

interface Options extends PublishOptions {
  readonly part?: Part;
  readonly rounds: number;
  readonly workers: readonly number[];
  readonly starters: readonly number[];
  readonly jobs: number;
  readonly messages: number;
}

/** `bench scale`: what more processes bring. */
export function command(): Command {
  return new Command('scale')
    .description(
      'Has 1, 2 and 4 workers do the same jobs, such that compute and such that wait; has 1 and 2\n' +
        'starters start runs of the same queued messages; drains a full queue. A fresh embedded stack\n' +
        'each time; all of it takes about half an hour and wants a quiet machine.',
    )
    .addOption(new Option('--part <name>', 'only one of the parts').choices(PARTS))
    .option('--rounds <count>', 'times that each number of processes is measured', count, 3)
    .option('--workers <counts>', 'numbers of workers', counts, [1, 2, 4])
    .option('--starters <counts>', 'numbers of starters', counts, [1, 2])
    .option('--jobs <count>', 'jobs that the workers do', count, 128)
    .option('--messages <count>', 'messages that are queued', count, 10_000)
    .option('--json <file>', 'where all figures go, with --part (default: .sheaf/bench/)')
    .option('--docs', 'put the figures into docs/benchmarks.md')
    .action(run);
}

async function run(options: Options): Promise<void> {
  const { part } = options;
  if (options.json && !part) throw new Error('--json: expected a --part beside it');
  const { first: signal } = stopRequests();
  console.error(`  Workers and starters from ${SHEAF_MAIN}`);
  for (const each of part ? [part] : PARTS) {
    if (each === 'drain') await runDrain(options, signal);
    else if (each === 'starters') await runStarters(options, signal);
    else await runWorkers(each, options, signal);
  }
}

async function runWorkers(
  name: 'splits' | 'waits',
  options: Options,
  signal: AbortSignal,
): Promise<void> {
  const { jobs, rounds } = options;
  const kind = KINDS[name];
  const unit: Unit = { process: 'worker', thing: 'job', time: 'minute' };
  const steps = await climb(options.workers, rounds, unit, signal, async (arena, workers) => {
    const figures = await measureWorkers(arena, kind, workers, jobs);
    return { ...figures, done: jobs };
  });
  await publish(
    {
      name: `scale-${name}`,
      subject: `${formatCount(jobs, 'job')} at once, each ${kind.job}; ${formatCount(rounds, 'round')}`,
      tables: [stepsTable(steps, unit)],
      notes: [
        explainGrowth(steps, unit),
        'Every job had one result message.',
        ...disturbances(steps),
      ],
    },
    { steps },
    options,
  );
}

async function runStarters(options: Options, signal: AbortSignal): Promise<void> {
  const { messages, rounds } = options;
  const unit: Unit = { process: 'starter', thing: 'message', time: 'second' };
  const steps = await climb(options.starters, rounds, unit, signal, async (arena, starters) => {
    const figures = await measureStarters(arena, starters, messages);
    return { ...figures, done: messages };
  });
  await publish(
    {
      name: 'scale-starters',
      subject: `${formatCount(messages, 'message')} queued, from the first receive to the last started run, no workers; ${formatCount(rounds, 'round')}`,
      tables: [stepsTable(steps, unit)],
      notes: [
        explainGrowth(steps, unit),
        'Every message had started one run; the queue and its dead-letter queue were empty.',
        ...disturbances(steps),
      ],
    },
    { steps },
    options,
  );
}

async function runDrain(options: Options, signal: AbortSignal): Promise<void> {
  const { messages } = options;
  const workers = availableParallelism();
  const figures = await inArena(DISK_BYTES, signal, (arena) =>
    measureDrain(arena, workers, messages),
  );
  const step: Step = { processes: workers, rounds: [{ ...figures, done: messages }] };
  const processors = processorColumns([step]);
  const perSecond = rateOf(step, { time: 'second' }).median;
  await publish(
    {
      name: 'scale-drain',
      subject: `${formatCount(messages, 'message')} queued, drained by 1 starter and ${formatCount(workers, 'worker')}`,
      tables: [
        [
          ['messages', 'time', 'messages a second', 'actions a message', ...processors.header],
          [
            messages.toLocaleString('en'),
            durationOf(step),
            perSecond.toFixed(1),
            (figures.actions / messages).toFixed(1),
            ...processors.cells(step),
          ],
        ],
      ],
      notes: [
        'Every message had one run, which completed, and one notice; all queues were empty, the dead-letter queue too.',
        ...disturbances([step]),
      ],
    },
    { figures },
    options,
  );
}

/** Measures with each number of processes, round after round; each time on a fresh stack. */
async function climb(
  numbers: readonly number[],
  rounds: number,
  unit: Unit,
  signal: AbortSignal,
  measure: (arena: Arena, processes: number) => Promise<Step['rounds'][number]>,
): Promise<Step[]> {
  const steps = numbers.map((processes) => ({
    processes,
    rounds: [] as Step['rounds'][number][],
  }));
  for (let round = 1; round <= rounds; round++) {
    for (const step of steps) {
      const { processes } = step;
      step.rounds.push(await inArena(DISK_BYTES, signal, (arena) => measure(arena, processes)));
      const rate = rateOf({ processes, rounds: step.rounds.slice(-1) }, unit).median;
      console.error(
        `  ${formatCount(processes, unit.process).padEnd(10)}  ${rate.toFixed(0).padStart(6)} ${unit.thing}s a ${unit.time}  round ${round} of ${rounds}`,
      );
    }
  }
  return steps;
}
