import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { formatBytes, formatCount } from '../src/cli/format.ts';
import { stopRequests } from '../src/cli/stop-requests.ts';
import { dataDir } from '../src/local/paths.ts';
import { thisMachine } from './measure/machine.ts';
import { describeOrigin } from './report/origin.ts';
import { markdownTable, plainTable } from './report/table.ts';
import { writeDocument, writeJson } from './report/write.ts';
import { makeArchive, rehearsalOf, type SplitTask } from './split/archive.ts';
import { inArena } from './split/arena.ts';
import type { Competitor } from './split/competitor.ts';
import { COMPETITORS } from './split/competitors.ts';
import { measureMemory, memoryTable } from './split/memory.ts';
import { standingsNotes, standingsTable, targetsTable } from './split/report.ts';
import { runRounds } from './split/rounds.ts';
import { SHEAF_MAIN } from './split/sheaf.ts';
import { summarise } from './split/summary.ts';
import { checkTargets } from './split/targets.ts';

interface Options {
  readonly images: number;
  readonly imageBytes: number;
  readonly batchSize: number;
  readonly rounds: number;
  readonly lanes: readonly number[];
  readonly only?: readonly string[];
  readonly shuffle: boolean;
  readonly cold: boolean;
  readonly memory?: true;
  readonly json?: string;
  readonly docs?: true;
}

/** `bench split`: sheaf against other ways to split the same archive. */
export function command(): Command {
  return new Command('split')
    .description(
      'Splits the same archive in turn by sheaf (a, a2, b), by careful programs in TypeScript (c) ' +
        'and Python (d), and reads it without splitting (e). A fresh embedded stack; the full size ' +
        'takes about twenty minutes and wants a quiet machine.',
    )
    .option('--images <count>', 'images in the archive', count, 3000)
    .option('--image-bytes <bytes>', 'size of one image', count, 350_000)
    .option('--batch-size <rows>', 'rows a batch zip', count, 1000)
    .option('--rounds <count>', 'times that each competitor is measured', count, 3)
    .option(
      '--lanes <counts>',
      'batch zips at once that (c) and (d) are tried with',
      counts,
      [2, 3, 4],
    )
    .option('--only <ids>', `competitors, of ${Object.keys(COMPETITORS).join()}`, ids)
    .option('--shuffle', 'an archive whose images are in another order than its rows', false)
    .option('--cold', 'competitors that have not split anything before', false)
    .option('--memory', 'the memory of workers instead, with twice and a tenth of the images')
    .option('--json <file>', 'where all figures go (default: .sheaf/bench/)')
    .option('--docs', 'put the figures into docs/benchmarks.md')
    .action((options: Options) => (options.memory ? runMemory(options) : runSplit(options)));
}

async function runSplit(options: Options): Promise<void> {
  const task = taskOf(options, options.images);
  const competitors = await choose(options.only ?? Object.keys(COMPETITORS));
  const { first: signal } = stopRequests();
  const { archive, standings } = await inArena(bytesOf(task), signal, async (arena) => {
    const archive = await makeArchive(task, arena.folder);
    console.error(`  An archive of ${formatBytes(archive.size)}, from ${SHEAF_MAIN}`);
    const rehearsal = options.cold ? undefined : await makeArchive(rehearsalOf(task), arena.folder);
    const { rounds, lanes } = options;
    const standings = await runRounds(arena, competitors, { archive, rehearsal, rounds, lanes });
    return { archive, standings };
  });

  const summaries = summarise(standings, archive.size);
  const targets = checkTargets(summaries);
  const tables = [standingsTable(summaries)];
  if (targets.length > 0) tables.push(targetsTable(targets));
  const notes = standingsNotes(summaries);
  const subject =
    `${formatCount(task.images, 'image')}, ${formatBytes(archive.size)}, ${formatCount(task.batchSize, 'row')} a batch zip` +
    `${task.shuffle ? ', shuffled' : ''}${options.cold ? ', cold' : ''}; ${formatCount(options.rounds, 'round')}`;
  await publish(
    'split',
    options,
    { subject, tables, notes },
    { task, summaries, targets, standings },
  );
}

async function runMemory(options: Options): Promise<void> {
  const tasks = [options.images / 10, options.images * 2].map((images) =>
    taskOf(options, Math.ceil(images)),
  );
  const competitors = await choose(options.only ?? ['a', 'a2', 'b']);
  const { first: signal } = stopRequests();
  const largest = Math.max(...tasks.map(bytesOf));
  const figures = await inArena(largest, signal, (arena) =>
    measureMemory(arena, competitors, tasks),
  );
  const subject = 'Each figure from a fresh worker, at its peak (VmHWM)';
  const tables = [memoryTable(figures)];
  await publish('split-memory', options, { subject, tables, notes: [] }, { tasks, figures });
}

interface Report {
  readonly subject: string;
  readonly tables: Parameters<typeof plainTable>[0][];
  readonly notes: readonly string[];
}

/** Prints a report for people, and keeps all figures; `name` is the file's and the document's section's. */
async function publish(name: string, options: Options, report: Report, figures: object) {
  const { subject, tables, notes } = report;
  const machine = thisMachine();
  const measuredAt = new Date().toISOString();
  const origin = describeOrigin(machine, measuredAt);
  const plain = [...tables.map(plainTable), notes.map((note) => `  ${note}`).join('\n')];
  console.log(['', `  ${subject}`, `  ${origin}`, ...plain].join('\n\n'));
  const file = options.json ?? join(dataDir(process.env), 'bench', `${name}.json`);
  await writeJson(file, { machine, measuredAt, ...figures });
  console.error(`  All figures are in ${file}`);
  if (!options.docs) return;
  const parts = [`${subject}. ${origin}.`, ...tables.map(markdownTable), notes.join(' ')];
  await writeDocument(name, parts.join('\n\n'));
}

function taskOf({ imageBytes, batchSize, shuffle }: Options, images: number): SplitTask {
  return { images, imageBytes, batchSize, shuffle };
}

function bytesOf({ images, imageBytes }: SplitTask): number {
  return images * imageBytes;
}

function choose(chosen: readonly string[]): Promise<Competitor[]> {
  const inOrder = Object.entries(COMPETITORS).filter(([id]) => chosen.includes(id));
  return Promise.all(inOrder.map(([, make]) => make()));
}

function ids(text: string): string[] {
  const chosen = text.split(',');
  const unknown = chosen.find((id) => !(id in COMPETITORS));
  if (unknown === undefined) return chosen;
  throw new InvalidArgumentError(
    `Expected some of ${Object.keys(COMPETITORS).join()}, got "${unknown}".`,
  );
}

function counts(text: string): number[] {
  return text.split(',').map(count);
}

function count(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError('Expected a whole number from 1 up.');
}
