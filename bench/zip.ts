import { Command, Option } from 'commander';
import { formatBytes, formatCount } from '../src/cli/format.ts';
import { stopRequests } from '../src/cli/stop-requests.ts';
import { inArena } from './contest/arena.ts';
import type { Competitor } from './contest/competitor.ts';
import { type MemoryFigure, measureMemory, memoryTable } from './contest/memory.ts';
import { addContestOptions, type ContestOptions, count, counts } from './contest/options.ts';
import { publishStandings } from './contest/publish-standings.ts';
import { runRounds } from './contest/rounds.ts';
import { SHEAF_MAIN } from './contest/sheaf.ts';
import { publish } from './report/publish.ts';
import { COMPETITOR_IDS, chooseFor, exerciseFor, SHEAF_IDS } from './zip/competitors.ts';
import { makeObjects, type ObjectsJob, rehearsalOf, type ZipTask } from './zip/objects.ts';
import { MOST_MEMORY_GROWTH, SETS } from './zip/sets.ts';

/** The objects, their archive, and a copy of it that is checked; with air, of which there is always some. */
const DISK_PER_BYTE = 4;
const DISK_AIR_BYTES = 1e9;

interface Options extends ContestOptions {
  readonly set?: string;
  readonly objects?: number;
  readonly objectBytes?: number;
  readonly checksums: boolean;
  readonly memoryBytes: readonly number[];
}

/** `bench zip`: sheaf against other ways to zip the same objects. */
export function command(): Command {
  const zip = new Command('zip')
    .description(
      'Zips the same objects in turn by sheaf (a; a2 where they were uploaded without checksums), by a ' +
        'careful program in TypeScript (c), in memory by Python (d), and reads them without zipping ' +
        '(e). A fresh embedded stack for each set; both take about half an hour and want a quiet machine.',
    )
    .addOption(
      new Option('--set <name>', 'which objects (default: both)').choices(Object.keys(SETS)),
    )
    .option('--objects <count>', 'objects of a set (default: 3000 small, 60 big)', count)
    .option('--object-bytes <bytes>', 'size of one object (default: 350000, 16000000)', count)
    .option('--no-checksums', 'objects that all were uploaded without checksums');
  return addContestOptions(zip, {
    ids: COMPETITOR_IDS,
    lanes: 'objects open at once that (c) is tried with',
    numbers: [1, 2, 4, 8],
    cold: 'competitors that have not zipped anything before',
    memory: 'the memory of workers instead, with objects of both sizes',
  })
    .option('--memory-bytes <bytes>', 'of all objects, with --memory', counts, [100e6, 5e9])
    .action((options: Options) => (options.memory ? runMemory(options) : runZip(options)));
}

async function runZip(options: Options): Promise<void> {
  const sets = setsOf(options);
  if (options.json && sets.length > 1) throw new Error('--json: expected a --set beside it');
  const competitors = await chooseFor(options);
  const { first: signal } = stopRequests();
  for (const set of sets) await runSet(set, competitors, options, signal);
}

async function runSet(
  set: string,
  competitors: readonly Competitor<ObjectsJob>[],
  options: Options,
  signal: AbortSignal,
): Promise<void> {
  const { checksums, cold, rounds } = options;
  const task = taskOf(set, options);
  const objects = makeObjects(task);
  const first = cold ? undefined : makeObjects(rehearsalOf(task));
  const { contentBytes } = objects;
  const content = `${formatCount(task.objects, 'object')} of ${formatBytes(task.objectBytes)}`;
  console.error(`  ${content}, from ${SHEAF_MAIN}`);
  const standings = await inArena(diskFor(contentBytes), signal, (arena) =>
    runRounds(
      arena,
      competitors.map((competitor) => ({
        competitor,
        exercise: exerciseFor(competitor, objects, options),
        rehearsal: first && exerciseFor(competitor, first, options),
      })),
      options,
    ),
  );

  const facts = [
    content,
    formatBytes(contentBytes),
    ...(checksums ? [] : ['without checksums']),
    ...(cold ? ['cold'] : []),
  ];
  const subject = `${facts.join(', ')}; ${formatCount(rounds, 'round')}`;
  const name = ['zip', set, ...(checksums ? [] : ['no-checksums'])].join('-');
  const promised = SETS[set]?.promised ?? [];
  await publishStandings({ name, subject, standings, contentBytes, promised, task }, options);
}

async function runMemory(options: Options): Promise<void> {
  const { memoryBytes } = options;
  const competitors = await chooseFor(options, SHEAF_IDS);
  const { first: signal } = stopRequests();
  const figures = await inArena(diskFor(Math.max(...memoryBytes)), signal, async (arena) => {
    const figures: MemoryFigure[] = [];
    for (const set of setsOf(options)) {
      const { objectBytes } = taskOf(set, options);
      for (const bytes of memoryBytes) {
        const objects = makeObjects({ objects: Math.ceil(bytes / objectBytes), objectBytes });
        for (const competitor of competitors) {
          const exercise = exerciseFor(competitor, objects, options);
          const title = `${competitor.title}, objects of ${formatBytes(objectBytes)}`;
          const cell = { title, size: formatBytes(bytes) };
          figures.push(await measureMemory(arena, { competitor, exercise }, cell));
        }
      }
    }
    return figures;
  });
  const subject = 'Each figure from a fresh worker, at its peak (VmHWM)';
  const tables = [memoryTable(figures, MOST_MEMORY_GROWTH)];
  await publish({ name: 'zip-memory', subject, tables, notes: [] }, { figures }, options);
}

function setsOf({ set }: Options): readonly string[] {
  return set === undefined ? Object.keys(SETS) : [set];
}

function taskOf(set: string, { objects, objectBytes }: Options): ZipTask {
  const usual = SETS[set] as ZipTask;
  return { objects: objects ?? usual.objects, objectBytes: objectBytes ?? usual.objectBytes };
}

function diskFor(contentBytes: number): number {
  return DISK_PER_BYTE * contentBytes + DISK_AIR_BYTES;
}
