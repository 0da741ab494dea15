import { Command } from 'commander';
import { formatBytes, formatDuration } from '../src/cli/format.ts';
import { stopRequests } from '../src/cli/stop-requests.ts';
import { generatedItem } from '../src/items/generated-items.ts';
import { inArena } from './contest/arena.ts';
import { count, counts } from './contest/options.ts';
import { type BatchFigures, type Job, measureBatch } from './items/batch.ts';
import { costTable } from './items/costs.ts';
import { measureActivities, measureLoop } from './items/peers.ts';
import { type PublishOptions, publish } from './report/publish.ts';
import type { Row } from './report/table.ts';

/** Disk that the servers' data take at most (bytes). */
const DISK_BYTES = 3e9;

/** Items of a chunk, as in a batch that says nothing. */
const CHUNK_ITEMS = 10_000;

/** Items at once in the simulation, and the most that it may take beside the items' own times. */
const SIMULATION_LANES = 16;
const MOST_OVERHEAD = 0.05;

/** Memory of the largest batch, at most, as a multiple of that of a million items. */
const MOST_GROWTH = 1.25;

/** The largest batch ends within so many seconds. */
const MOST_SECONDS = 600;

interface Options extends PublishOptions {
  readonly counts: readonly number[];
  readonly simulated: number;
  readonly activities: number;
}

/** `bench items`: what batches of items cost by themselves. */
export function command(): Command {
  return new Command('items')
    .description(
      'Processes batches of items that need no time, each by a fresh worker on a fresh embedded stack,\n' +
        'beside a bare loop and a run with an activity an item; then the reference simulation, whose\n' +
        'items sleep, 16 at once. About five minutes on two cores.',
    )
    .option('--counts <counts>', 'items of the batches', counts, [100, 10_000, 1e6, 1e7, 1e8])
    .option('--simulated <count>', 'items of the simulation', count, 2000)
    .option('--activities <count>', 'items of the run with an activity an item', count, 10_000)
    .option('--json <file>', 'where all figures go (default: .sheaf/bench/)')
    .option('--docs', 'put the figures into docs/benchmarks.md')
    .action(run);
}

async function run(options: Options): Promise<void> {
  const { first: signal } = stopRequests();
  const batches: (BatchFigures & { readonly loopSeconds: number })[] = [];
  for (const items of options.counts) {
    const job: Job = { source: { generate: { count: items } }, processor: 'noop' };
    const figures = await inArena(DISK_BYTES, signal, (arena) => measureBatch(arena, job, items));
    batches.push({ ...figures, loopSeconds: await measureLoop(items) });
    console.error(
      `  ${items.toLocaleString('en')} items: ${formatDuration(figures.seconds * 1000)}`,
    );
  }
  const { activities, simulated } = options;
  const activitySeconds = await inArena(DISK_BYTES, signal, (arena) =>
    measureActivities(arena, activities),
  );
  const simulation = await inArena(DISK_BYTES, signal, (arena) => simulate(arena, simulated));

  const largest = batches.at(-1) as BatchFigures;
  const chunks = Math.ceil(largest.items / CHUNK_ITEMS);
  const { items, actions } = largest;
  const perActivity = activities / activitySeconds;
  await publish(
    {
      name: 'items',
      subject: `Items that need no time, ${CHUNK_ITEMS.toLocaleString('en')} a chunk, 50 chunks at once, one worker`,
      tables: [
        batchTable(batches, perActivity),
        targetTable(batches, simulation),
        costTable({ items, actions, puts: chunks }, CHUNK_ITEMS),
      ],
      notes: [
        `The run with an activity an item had ${activities.toLocaleString('en')} items and took ${activitySeconds.toFixed(1)} s.`,
        `The simulation had ${simulated.toLocaleString('en')} items, whose times add up to ${simulation.ideal.toFixed(1)} s at ${SIMULATION_LANES} at once, and took ${simulation.seconds.toFixed(1)} s.`,
      ],
    },
    { batches, activities, activitySeconds, simulation },
    options,
  );
}

/** The reference simulation: one chunk, whose items sleep. */
async function simulate(arena: Parameters<typeof measureBatch>[0], items: number) {
  const job: Job = {
    source: { generate: { count: items } },
    processor: 'sleep',
    itemsPerChunk: items,
    itemConcurrency: SIMULATION_LANES,
  };
  const { seconds } = await measureBatch(arena, job, items);
  let milliseconds = 0;
  for (let index = 0; index < items; index++) milliseconds += generatedItem(1, index).value;
  const ideal = milliseconds / 1000 / SIMULATION_LANES;
  return { seconds, ideal, overhead: seconds / ideal - 1 };
}

function batchTable(
  batches: readonly (BatchFigures & { loopSeconds: number })[],
  activitiesASecond: number,
): Row[] {
  const lines = batches.map((batch): Row => {
    const { items, seconds, loopSeconds, workerMemory, temporalMemory, s3Memory } = batch;
    const { histories, actions } = batch;
    const perSecond = items / seconds;
    return [
      items.toLocaleString('en'),
      `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`,
      Math.round(perSecond).toLocaleString('en'),
      (perSecond / activitiesASecond).toFixed(perSecond < activitiesASecond * 10 ? 1 : 0),
      (seconds / loopSeconds).toFixed(seconds < loopSeconds * 10 ? 1 : 0),
      formatBytes(workerMemory ?? 0),
      formatBytes(temporalMemory ?? 0),
      formatBytes(s3Memory ?? 0),
      histories.events.toLocaleString('en'),
      histories.longest.toLocaleString('en'),
      actions.toLocaleString('en'),
    ];
  });
  const header = [
    'items',
    'time',
    'items/s',
    'times an activity an item',
    "times a bare loop's time",
    'worker',
    'Temporal',
    'S3',
    'events',
    'longest history',
    'actions',
  ];
  return [header, ...lines];
}

function targetTable(
  batches: readonly BatchFigures[],
  simulation: { readonly overhead: number },
): Row[] {
  const largest = batches.at(-1) as BatchFigures;
  const million = batches.find(({ items }) => items === 1e6) ?? largest;
  const growth = (largest.workerMemory ?? 0) / (million.workerMemory ?? 1);
  const perMillion = (largest.actions / largest.items) * 1e6;
  const verdict = (met: boolean) => (met ? 'met' : 'missed');
  return [
    ['target', 'measured', ''],
    [
      `${largest.items.toLocaleString('en')} items in under ${MOST_SECONDS / 60} minutes`,
      formatDuration(largest.seconds * 1000),
      verdict(largest.seconds < MOST_SECONDS),
    ],
    [
      `worker's memory flat from 1 million items on: at most ${MOST_GROWTH} times`,
      `${growth.toFixed(2)} times`,
      verdict(growth <= MOST_GROWTH),
    ],
    [
      `simulation, 16 at once: under ${MOST_OVERHEAD * 100}% over its items' own times`,
      `${(simulation.overhead * 100).toFixed(1)}%`,
      verdict(simulation.overhead < MOST_OVERHEAD),
    ],
    ['actions a million items', Math.round(perMillion).toLocaleString('en'), ''],
  ];
}
